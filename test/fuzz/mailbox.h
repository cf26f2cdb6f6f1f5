// Objects on their way from one thread to another.
//
// Handing over orders the two threads as a program would that hands over an object, and no more.
#ifndef NEAP_FUZZ_MAILBOX_H
#define NEAP_FUZZ_MAILBOX_H

#include "base/atomic.h"
#include "objects.h"

#define MAILBOX_PLACES 64

enum mail_state { MAIL_EMPTY, MAIL_IN_HAND, MAIL_READY };

struct mailbox {
    struct mail {
        ATOMIC(unsigned) state;   // enum mail_state; whoever sets IN_HAND owns `object`
        struct object    object;
    } places[MAILBOX_PLACES];
};

// False: the place is not empty.
static inline bool mailbox_send(struct mailbox *mailbox, size_t place, struct object_table *from,
                                size_t index)
{
    struct mail *mail = &mailbox->places[place % MAILBOX_PLACES];
    unsigned     expected = MAIL_EMPTY;
    if (!cas_acquire(&mail->state, &expected, MAIL_IN_HAND))   // pairs with: mailbox_receive
        return false;
    mail->object = objects_take_out(from, index);
    store_release(&mail->state, MAIL_READY);   // pairs with: mailbox_receive
    return true;
}

// False: there is nothing in the place.
static inline bool mailbox_receive(struct mailbox *mailbox, size_t place, struct object_table *to,
                                   size_t index)
{
    struct mail *mail = &mailbox->places[place % MAILBOX_PLACES];
    unsigned     expected = MAIL_READY;
    if (!cas_acquire(&mail->state, &expected, MAIL_IN_HAND))   // pairs with: mailbox_send
        return false;
    objects_put_in(to, index, mail->object);
    store_release(&mail->state, MAIL_EMPTY);   // pairs with: mailbox_send
    return true;
}

#endif
