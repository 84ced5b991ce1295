/* interrupt.c - signals; see interrupt.h. */
#include "cli/interrupt.h"

#include <signal.h>
#include <stdatomic.h>
#include <unistd.h>

static atomic_int code; /* read on whichever thread an event comes */

static void on_signal(int number)
{
    const int asked = number == SIGINT ? 130 : 143;
    if (code != 0)
        _exit(asked); /* the job folder holds what is finished; a new run goes on from it */
    code = asked;
}

void cli_writes_give_errors(void)
{
    signal(SIGPIPE, SIG_IGN);
    signal(SIGXFSZ, SIG_IGN);
}

void cli_interrupt_watch(void)
{
    struct sigaction action = {.sa_handler = on_signal};
    sigemptyset(&action.sa_mask);
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
}

int cli_interrupt_code(void)
{
    return code;
}
