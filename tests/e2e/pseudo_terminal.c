/* pseudo_terminal.c - runs a command on a terminal that changes its width, and tells what is to be
 * seen on it.
 *
 *     pseudo_terminal 80,40,7 longtake generate ...      exit code of the command
 *
 * After every third redraw of a line the terminal has the next width of the list. Every row that
 * the command left is printed as "row: TEXT"; the last line is "redraws N wraps N": how often a
 * line was drawn anew (ESC [ K), and how often such a line was wider than the terminal. The first
 * redraw after a change is not judged, since its width may have been asked for before.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

enum { MOST_COLUMNS = 1024, MOST_WIDTHS = 16, REDRAWS_A_WIDTH = 3 };

typedef enum { TEXT, ESCAPE, SEQUENCE } parse_state;

typedef struct {
    char row[MOST_COLUMNS + 1]; /* what stands in the cursor's row, with zeros where nothing was
                                   written */
    int at;                     /* column of the cursor */
    parse_state state;
    bool redrawn; /* this row, and it is no wider than the terminal so far */
    int redraws;
    int since_change; /* redraws at this width */
    int wraps;
    int width;
} screen;

static void begin_row(screen *s)
{
    if (s->row[0])
        printf("row: %s\n", s->row);
    memset(s->row, 0, sizeof s->row);
    s->at = 0;
    s->redrawn = false;
}

static void redraw(screen *s)
{
    memset(s->row + s->at, 0, sizeof s->row - (size_t)s->at);
    s->redrawn = true;
    s->redraws++;
    s->since_change++;
}

static void take_byte(screen *s, unsigned char c)
{
    if (s->state == ESCAPE) {
        s->state = c == '[' ? SEQUENCE : TEXT;
    } else if (s->state == SEQUENCE) {
        if (c >= '@') {
            s->state = TEXT;
            if (c == 'K')
                redraw(s);
        }
    } else if (c == 0x1b) {
        s->state = ESCAPE;
    } else if (c == '\r') {
        s->at = 0;
    } else if (c == '\n') {
        begin_row(s);
    } else if (c >= 0x20 && s->at < MOST_COLUMNS) {
        s->row[s->at++] = (char)c;
        if (s->redrawn && s->at > s->width && s->since_change > 1) {
            s->redrawn = false;
            s->wraps++;
        }
    }
}

/* Everything that is there now. False when the other side is closed. */
static bool take_all(screen *s, int terminal)
{
    unsigned char bytes[512];
    for (;;) {
        const ssize_t n = read(terminal, bytes, sizeof bytes);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return n < 0 && errno == EAGAIN;
        for (ssize_t i = 0; i < n; i++)
            take_byte(s, bytes[i]);
    }
}

static void set_width(screen *s, int terminal, int width)
{
    const struct winsize size = {.ws_row = 25, .ws_col = (unsigned short)width};
    ioctl(terminal, TIOCSWINSZ, &size);
    s->width = width;
    s->since_change = 0;
}

/* While the command stands still, so that nothing of the old width is under
 * way. False when it has ended. */
static bool change_width(screen *s, int terminal, pid_t child, int width, int *status)
{
    kill(child, SIGSTOP);
    if (waitpid(child, status, WUNTRACED) == child && !WIFSTOPPED(*status))
        return false;
    take_all(s, terminal);
    set_width(s, terminal, width);
    kill(child, SIGCONT);
    return true;
}

static int read_widths(char *list, int width[MOST_WIDTHS])
{
    int count = 0;
    for (char *word = strtok(list, ","); word && count < MOST_WIDTHS; word = strtok(NULL, ","))
        width[count++] = atoi(word);
    return count;
}

int main(int argc, char **argv)
{
    int width[MOST_WIDTHS];
    const int widths = argc > 2 ? read_widths(argv[1], width) : 0;
    if (widths == 0) {
        fprintf(stderr, "pseudo_terminal: expected WIDTH[,WIDTH...] COMMAND...\n");
        return 2;
    }
    const struct winsize size = {.ws_row = 25, .ws_col = (unsigned short)width[0]};
    int terminal;
    const pid_t child = forkpty(&terminal, NULL, NULL, &size);
    if (child < 0) {
        perror("pseudo_terminal");
        return 1;
    }
    if (child == 0) {
        execvp(argv[2], argv + 2);
        perror(argv[2]);
        _exit(127);
    }
    fcntl(terminal, F_SETFL, O_NONBLOCK);
    static screen s;
    s.width = width[0];
    int status = 0;
    int next = 0;
    bool lives = true;
    struct pollfd wait_for = {.fd = terminal, .events = POLLIN};
    while (poll(&wait_for, 1, -1) > 0 && take_all(&s, terminal))
        if (lives && widths > 1 && s.since_change >= REDRAWS_A_WIDTH)
            lives = change_width(&s, terminal, child, width[++next % widths], &status);
    begin_row(&s);
    printf("redraws %d wraps %d\n", s.redraws, s.wraps);
    if (lives)
        waitpid(child, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
