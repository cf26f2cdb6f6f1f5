/* Remote frees of one span against its owner and against changes of owner (src/span/span.c,
 * src/span/central.c, src/cache/cache.c, src/front/release.c), for spin.
 *
 * One span of two words, three slots, belongs to cache 0, cache 1 or the central list (2). Each
 * statement is one access to shared memory, in any interleaving; the order of accesses is the
 * program's. What the memory order of a CPU adds to that is outside of this model. Whoever closes
 * a cache does what its thread could do at that moment, and so has no process of his own.
 *
 * Checked:
 *   - a slot is handed out only if nobody has it; a right free is never called a double free
 *   - who frees a slot a second time, after the first, sees that it is free
 *   - a record is not touched after it has gone back to the page heap
 *   - a span is in one inbox at most, and its link is read only by who took it out
 *   - notes stay few, however often slots are freed; owed notes are never negative once notes and
 *     bits are taken in
 *   - when all is freed and all inboxes are looked through, the span can go back: nothing is lost
 *
 * BUG_... puts a mistake in; model/run shows that each is found.
 */
#define CENTRAL 2
#define WORDS 2
#define SLOTS 3

#ifndef STEPS_0
#define STEPS_0 2   /* of the thread of cache 0, which owns the span at first */
#endif
#ifndef STEPS_1
#define STEPS_1 2
#endif
#ifndef FREERS
#define FREERS 2
#endif
#ifndef FREES
#define FREES 1   /* of each */
#endif
#ifndef WITHOUT_CACHE
#define WITHOUT_CACHE 0
#endif
#ifndef LOOKERS
#define LOOKERS 0
#endif
#ifndef LIVES
#define LIVES 1   /* spans made in the record */
#endif

/* Between two receipts of notes a word may get its first bit twice, before and after it is taken
 * in; and whoever frees may be late with a note from before. */
#define NOTES_MAX (2 * WORDS + FREERS + WITHOUT_CACHE + (STEPS_0 > 0 -> 1 : 0) + \
                   (STEPS_1 > 0 -> 1 : 0))

/* slots 0 and 1 are bits 0 and 1 of word 0, slot 2 is bit 0 of word 1 */
#define WORD(slot) ((slot) / 2)
#define BIT(slot) (1 << ((slot) % 2))
#define ALL(w) ((w) == 0 -> 3 : 1)

byte free_bits[WORDS];
byte elsewhere[WORDS];
byte notes;
short owed;
byte owner;
byte lives;

bool lock;        /* of the central list */
bool inbox[3];    /* is the span in it? */

/* What no program sees. */
bool alive;         /* the record is a span's */
bool used[SLOTS];   /* handed out and not being freed */
bool freed[SLOTS];  /* its bit has been set since it was handed out */
bool handed_out[SLOTS];   /* since somebody began to look at it */
bool in_hand;       /* taken out of an inbox, its link not read yet */
byte running;       /* processes not done yet */

#define TOUCH assert(alive)
#define IN_AN_INBOX (inbox[0] || inbox[1] || inbox[2])
#define ALL_FREE (free_bits[0] == ALL(0) && free_bits[1] == ALL(1))
#ifdef BUG_IDLE_WITH_OWED_NOTES
#define IDLE ALL_FREE
#else
#define IDLE (ALL_FREE && owed == 0)
#endif

inline acquire() { atomic { !lock -> lock = true } }
inline release() { lock = false }

inline destroy() {
    atomic {
        assert(alive);
        assert(!used[0] && !used[1] && !used[2]);
        assert(!IN_AN_INBOX);
        freed[0] = false;
        freed[1] = false;
        freed[2] = false;
        alive = false
    }
}

inline create(who) {
    atomic {
        assert(!alive);
        alive = true;
        lives++;
        free_bits[0] = ALL(0);
        free_bits[1] = ALL(1);
        elsewhere[0] = 0;
        elsewhere[1] = 0;
        notes = 0;
        owed = 0;
        owner = who
    }
}

inline inbox_put(where) {
    atomic {
        TOUCH;
        assert(!IN_AN_INBOX && !in_hand);   /* else its link is overwritten */
        inbox[where] = true
    }
}

/* ---- taking in ------------------------------------------------------------------------------- */

/* A word of span_take_in: first set here, then cleared there, unless more has come meanwhile. */
inline take_in_word(w, came, here) {
    atomic { TOUCH; came = elsewhere[w] }
    if
    :: came != 0 ->
        here = free_bits[w];   /* nobody else writes it */
#ifdef BUG_CLEARED_BEFORE_SET
        atomic { came = elsewhere[w]; elsewhere[w] = 0 }
        atomic { free_bits[w] = here | came; came = 0 }
#endif
        do
        :: came != 0 ->
            atomic {
                TOUCH;
                assert((here & came) == 0);   /* nobody freed twice */
                free_bits[w] = here | came
            }
            atomic {
                TOUCH;
                if
#ifdef BUG_CLEARED_WITHOUT_COMPARING
                :: true -> elsewhere[w] = 0; came = 0
#else
                :: elsewhere[w] == came -> elsewhere[w] = 0; came = 0
                :: else -> came = elsewhere[w]
#endif
                fi
            }
        :: else -> break
        od;
        owed++;
        here = 0
    :: else -> skip   /* a later bit comes with a note */
    fi
}

inline take_in_words(came, here) {
    take_in_word(0, came, here);
    take_in_word(1, came, here)
}

/* span_take_in, for a span taken out of an inbox */
inline take_in(came, here) {
#ifdef BUG_BITS_BEFORE_NOTES
    take_in_words(came, here);
#endif
    atomic {
        TOUCH;
#ifndef BUG_LINK_READ_LATE
        in_hand = false;   /* from here on it may be put into an inbox again */
#endif
        owed = owed - notes;
        notes = 0
    }
#ifdef BUG_LINK_READ_LATE
    atomic { assert(!IN_AN_INBOX); in_hand = false }
#endif
#ifndef BUG_BITS_BEFORE_NOTES
    take_in_words(came, here);
#endif
    assert(owed >= 0)
}

/* One idle span of a class may be kept; central_tidy and cache_tidy end that. */
inline destroy_if_idle() {
    if
    :: IDLE -> destroy()
    :: true -> skip
    fi
}

/* A span that comes out of the inbox of `who`: taken in, or it follows its owner. */
inline drain(who, came, here) {
    if
    :: atomic { inbox[who] -> inbox[who] = false; in_hand = true; TOUCH };
        atomic { TOUCH; came = owner }
        if
        :: came == who ->
            came = 0;
            take_in(came, here);
            destroy_if_idle()
        :: else ->
            atomic {
                in_hand = false;
#ifndef BUG_DOES_NOT_FOLLOW_OWNER
                inbox_put(came);
#endif
                came = 0
            }
        fi
    :: else -> skip
    fi
}

/* ---- slots ----------------------------------------------------------------------------------- */

#define ANY_USED (used[0] || used[1] || used[2])
#define ANY_FREE (free_bits[0] != 0 || free_bits[1] != 0)
#define IS_FREE(slot) (((free_bits[WORD(slot)] | elsewhere[WORD(slot)]) & BIT(slot)) != 0)

/* Who has the object frees it, and nobody else does. A right free looks like one. */
#define CHOOSE(s) atomic { used[s] -> slot = s; used[s] = false; TOUCH; assert(!IS_FREE(s)) }
inline choose_used(slot) {
    if
    :: CHOOSE(0)
    :: CHOOSE(1)
    :: CHOOSE(2)
    fi
}

inline take_slot(slot) {
    atomic {
        TOUCH;
        if
        :: (free_bits[0] & 1) != 0 -> slot = 0
        :: (free_bits[0] & 3) == 2 -> slot = 1
        :: free_bits[0] == 0 && free_bits[1] != 0 -> slot = 2
        fi;
        assert(!used[slot]);   /* else it is handed out twice */
        free_bits[WORD(slot)] = free_bits[WORD(slot)] & ~BIT(slot);
        used[slot] = true;
        freed[slot] = false;
        handed_out[slot] = LOOKERS > 0
    }
}

inline give_slot(slot) {
    atomic {
        TOUCH;
        free_bits[WORD(slot)] = free_bits[WORD(slot)] | BIT(slot);
        freed[slot] = true
    }
}

/* span_free_elsewhere, its first look done */
inline free_elsewhere(slot, before) {
    atomic {
        TOUCH;
        before = elsewhere[WORD(slot)];
        assert((before & BIT(slot)) == 0);
        elsewhere[WORD(slot)] = before | BIT(slot);
        freed[slot] = true
    }
    if
    :: before == 0 ->
#ifdef BUG_LOOKS_AGAIN
        /* Had the owner freed it at the same instant? */
        atomic { TOUCH; assert((free_bits[WORD(slot)] & BIT(slot)) == 0) }
#endif
        atomic {
            TOUCH;
            before = notes;
            notes++;
            assert(notes <= NOTES_MAX);
#ifdef BUG_PUT_FOR_EACH_NOTE
            before = 0
#endif
        }
        if
        :: before == 0 ->
            atomic { TOUCH; before = owner }
            inbox_put(before)
        :: else -> skip
        fi
    :: else -> skip
    fi;
    before = 0
}

/* central_give_back */
inline give_back(slot, before) {
    acquire();
    if
    :: owner == CENTRAL ->
        give_slot(slot);
        destroy_if_idle()
    :: else -> free_elsewhere(slot, before)
    fi;
    release()
}

/* give_from_cache: a free by a thread that has a cache. `owner` is looked at once, but only the
 * central list's spans change hands between that and the lock, so each way is open at any time. */
inline free_from_cache(me, slot, before) {
    if
    :: owner == me ->
        give_slot(slot);
        destroy_if_idle()
    :: owner == CENTRAL ->
        acquire();
        if
        :: owner == CENTRAL && !ANY_FREE ->
            owner = me;
            release();
            give_slot(slot);
            destroy_if_idle()
        :: else ->
            release();
            give_back(slot, before)
        fi
    :: owner != me && owner != CENTRAL -> free_elsewhere(slot, before)
    fi
}

/* ---- processes ------------------------------------------------------------------------------- */

/* The thread of a cache, and who closed it: what it may do with the span at any time. */
proctype cache_thread(byte me; byte n_steps) {
    byte came, here, slot, steps, before;
    do
    :: atomic { steps < n_steps -> steps++ };
        if
        /* malloc from the current span */
        :: alive && owner == me && ANY_FREE -> take_slot(slot)
        /* the current span is used up */
#ifdef BUG_TAKEN_IN_WITHOUT_NOTES
        :: alive && owner == me && !ANY_FREE -> take_in_words(came, here)
#endif
        :: ANY_USED ->
            if
            :: choose_used(slot); free_from_cache(me, slot, before)
            :: skip
            fi
        /* the slow way, or somebody for us, looks through the inbox */
        :: drain(me, came, here)
        /* cache_empty: central_put_span */
        :: alive && owner == me && ANY_FREE ->
#ifndef BUG_PUT_WITHOUT_LOCK
            acquire();
#endif
            owner = CENTRAL;
            destroy_if_idle();
#ifndef BUG_PUT_WITHOUT_LOCK
            release()
#endif
        /* central_take_span */
        :: acquire();
            drain(CENTRAL, came, here);
            if
            :: atomic { alive && owner == CENTRAL && ANY_FREE -> owner = me }
            :: else -> skip
            fi;
            release()
        /* a new span in a record used before */
        :: atomic { !alive && lives < LIVES -> create(me) }
        :: skip
        fi
    :: else -> break
    od;
    running--
}

/* A thread that owns nothing here: it frees what it was handed. */
proctype freer() {
    byte slot, before, frees;
    do
    :: atomic { frees < FREES -> frees++ };
        if
        :: choose_used(slot); free_elsewhere(slot, before)
        :: skip
        fi
    :: else -> break
    od;
    running--
}

/* A thread without a cache: central_fetch and central_give_back. */
proctype without_cache() {
    byte came, here, slot, before;
    acquire();
    drain(CENTRAL, came, here);
    if
    :: alive && owner == CENTRAL && ANY_FREE -> take_slot(slot)
    :: else -> skip
    fi;
    release();
    if
    :: choose_used(slot); give_back(slot, before)
    :: skip
    fi;
    running--
}

/* Somebody frees a slot that has been freed. He sees that it is free (span_slot_is_free), unless it
 * was handed out meanwhile. */
#define LOOK_AT(s) atomic { freed[s] -> slot = s; handed_out[s] = false }
proctype looker() {
    byte slot, bits;
    if
    :: LOOK_AT(0)
    :: LOOK_AT(1)
    :: LOOK_AT(2)
    :: running == 1 -> slot = SLOTS
    fi;
    if
    :: slot < SLOTS ->
        atomic { bits = elsewhere[WORD(slot)]; bits = bits & BIT(slot) }
        atomic {
            bits = bits | (free_bits[WORD(slot)] & BIT(slot));
            assert(bits != 0 || handed_out[slot] || !alive);
            bits = 0
        }
    :: else -> skip
    fi;
    slot = 0;
    running--
}

init {
    byte came, here, slot, before, rounds;
    atomic {
        create(0);
        /* All slots are handed out. */
        free_bits[0] = 0;
        free_bits[1] = 0;
        used[0] = true;
        used[1] = true;
        used[2] = true;
        running = 2 + FREERS + WITHOUT_CACHE + LOOKERS;
        run cache_thread(0, STEPS_0);
        run cache_thread(1, STEPS_1);
        do
        :: rounds < FREERS -> run freer(); rounds++
        :: else -> break
        od;
        rounds = 0;
        do
        :: rounds < WITHOUT_CACHE -> run without_cache(); rounds++
        :: else -> break
        od;
        rounds = 0;
        do
        :: rounds < LOOKERS -> run looker(); rounds++
        :: else -> break
        od;
        rounds = 0
    }
    running == 0;
    /* All that is left is freed by somebody else; then everybody looks through his inbox. */
    do
    :: choose_used(slot); free_elsewhere(slot, before)
    :: !ANY_USED -> break
    od;
    do
    :: rounds < 4 ->
        drain(0, came, here);
        drain(1, came, here);
        drain(CENTRAL, came, here);
        rounds++
    :: else -> break
    od;
    assert(!alive || IDLE)   /* else memory is lost */
}
