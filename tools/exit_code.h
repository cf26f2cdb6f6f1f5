// Exit codes of the program `neap`: those of env(1) and timeout(1) where a command is started.
//
// `neap run` and `neap try` end with the command's own code, or 128 + the signal that ended it.
#ifndef NEAP_TOOLS_EXIT_CODE_H
#define NEAP_TOOLS_EXIT_CODE_H

enum exit_code {
    EXIT_CODE_DONE = 0,
    EXIT_CODE_FAILED = 1,
    EXIT_CODE_USAGE = 2,              // the command line is wrong; nothing was started
    EXIT_CODE_FINDING = 3,            // `try`: output or exit code depends on the allocator
    EXIT_CODE_NO_PROCESS = 4,         // no such process, or it does not run neap
    EXIT_CODE_FORBIDDEN = 5,          // the system does not let us look into it
    EXIT_CODE_NEAP = 125,             // neap itself cannot do it, the command is not to blame
    EXIT_CODE_NOT_EXECUTABLE = 126,   // the command is there, but cannot be executed
    EXIT_CODE_NOT_FOUND = 127,        // there is no such command
    EXIT_CODE_SIGNAL = 128,           // plus the signal's number
};

#endif
