/* trapped_processor.c - the place of kernels/cpu/cpu_processor.c in a test of AMX's kernels as they
 * are compiled for the library, on a processor that has all they need but AMX.
 *
 * There an instruction of AMX is an illegal one. The signal's handler reads which it was and with
 * what registers, has it done by emulated_instructions.h, and goes on behind it. So what the
 * compiler made of the intrinsics is tested too: what it believes them to read, above all.
 */
#include "tests/emulated/emulated_instructions.h"

#include <cpuid.h>
#include <pthread.h>
#include <signal.h>
#include <ucontext.h>

#include "kernels/cpu/cpu_processor.h"

/* ---- one instruction: C4, two bytes of prefix, opcode, operands ---- */

enum { VEX_BYTES = 4, MAP_0F38 = 2 };

/* Prefix (none, 66, F3, F2) and opcode. */
enum {
    SHAPE = 0x049, /* LDTILECFG, or TILERELEASE without memory */
    ZERO = 0x349,
    LOAD = 0x34b,
    STORE = 0x24b,
    MULTIPLY_BF16 = 0x25c,
    MULTIPLY_BYTES = 0x35e
};

typedef struct {
    int kind;
    int first;     /* the three registers: of ModRM, */
    int second;    /* of it again, */
    int third;     /* and of the prefix */
    char *memory;  /* or NULL */
    size_t stride; /* the index register's bytes */
    const uint8_t *end;
} tile_instruction;

static char *register_of(const ucontext_t *at, unsigned number)
{
    static const int place[] = {REG_RAX, REG_RCX, REG_RDX, REG_RBX, REG_RSP, REG_RBP,
                                REG_RSI, REG_RDI, REG_R8,  REG_R9,  REG_R10, REG_R11,
                                REG_R12, REG_R13, REG_R14, REG_R15};
    return (char *)at->uc_mcontext.gregs[place[number]]; /* NOLINT(performance-no-int-to-ptr) */
}

static int64_t displacement(const uint8_t *from, int bytes)
{
    int32_t wide;
    if (bytes == 1)
        return (int8_t)*from;
    memcpy(&wide, from, sizeof wide);
    return wide;
}

/* Base register + displacement, with an index register or without; or end of
 * the instruction + displacement. */
static void read_memory(tile_instruction *t, const ucontext_t *at, const uint8_t *modrm,
                        unsigned high_base, unsigned high_index)
{
    const unsigned mode = modrm[0] >> 6;
    const bool sib = (modrm[0] & 7) == 4;
    const unsigned base = (sib ? modrm[1] : modrm[0]) & 7;
    const unsigned index = sib ? (modrm[1] >> 3 & 7) | high_index : 4;
    const bool from_end = mode == 0 && base == 5;
    const int bytes = mode == 1 ? 1 : mode == 2 || from_end ? 4 : 0;
    const uint8_t *rest = modrm + (sib ? 2 : 1);
    emulated_need(!from_end || !sib, "a base register beside an index");
    t->end = rest + bytes;
    t->memory = from_end ? (char *)(uintptr_t)t->end : register_of(at, base | high_base);
    if (bytes > 0)
        t->memory += displacement(rest, bytes);
    t->stride = index == 4 ? 0 : (size_t)(uintptr_t)register_of(at, index) << (modrm[1] >> 6);
}

static bool read_instruction(tile_instruction *t, const ucontext_t *at)
{
    /* NOLINTNEXTLINE(performance-no-int-to-ptr) */
    const uint8_t *byte = (const uint8_t *)at->uc_mcontext.gregs[REG_RIP];
    if (byte[0] != 0xc4 || (byte[1] & 31) != MAP_0F38)
        return false;
    const uint8_t *modrm = byte + VEX_BYTES;
    *t = (tile_instruction){
        .kind = (byte[2] & 3) << 8 | byte[3],
        .first = modrm[0] >> 3 & 7,
        .second = modrm[0] & 7,
        .third = ~byte[2] >> 3 & 7,
        .end = modrm + 1,
    };
    if (modrm[0] >> 6 != 3)
        read_memory(t, at, modrm, byte[1] & 0x20 ? 0 : 8, byte[1] & 0x40 ? 0 : 8);
    return true;
}

static bool do_instruction(const tile_instruction *t)
{
    if (t->kind == SHAPE && t->memory != NULL)
        _tile_loadconfig(t->memory);
    else if (t->kind == SHAPE)
        _tile_release();
    else if (t->kind == ZERO)
        _tile_zero(t->first);
    else if (t->kind == LOAD)
        _tile_loadd(t->first, t->memory, t->stride);
    else if (t->kind == STORE)
        _tile_stored(t->first, t->memory, t->stride);
    else if (t->kind == MULTIPLY_BF16)
        _tile_dpbf16ps(t->first, t->second, t->third);
    else if (t->kind == MULTIPLY_BYTES)
        _tile_dpbssd(t->first, t->second, t->third);
    else
        return false;
    return true;
}

static void on_illegal(int signal_number, siginfo_t *info, void *context)
{
    (void)info;
    ucontext_t *at = context;
    tile_instruction t;
    if (read_instruction(&t, at) && do_instruction(&t))
        at->uc_mcontext.gregs[REG_RIP] = (greg_t)(uintptr_t)t.end;
    else
        (void)signal(signal_number, SIG_DFL); /* and again */
}

static void listen(void)
{
    struct sigaction action = {.sa_sigaction = on_illegal, .sa_flags = SA_SIGINFO};
    (void)sigemptyset(&action.sa_mask);
    (void)sigaction(SIGILL, &action, NULL);
}

/* ---- the processor ---- */

const lt_cpu_level lt_cpu_levels[] = {
    {"amx", &lt_avx512_kernels, &lt_amx_kernels, &lt_amx_int8, &lt_amx_int8, &lt_avx512vnni_rows},
    {"generic", LT_OWN_KERNELS(lt_generic_kernels)},
    {NULL, NULL, NULL, NULL, NULL, NULL},
};

/* Where AMX is, the others may do without this test. */
static bool lacks_amx_alone(void)
{
    enum { AMX_TILE_BIT = 24 };
    unsigned a = 0;
    unsigned b = 0;
    unsigned c = 0;
    unsigned d = 0;
    __builtin_cpu_init();
    return __get_cpuid_count(7, 0, &a, &b, &c, &d) && (d >> AMX_TILE_BIT & 1) == 0 &&
           __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq") &&
           __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512vnni") &&
           __builtin_cpu_supports("avx512bf16");
}

bool lt_processor_runs(const lt_cpu_level *level)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    (void)pthread_once(&once, listen);
    return level->narrow == NULL || lacks_amx_alone();
}

const lt_cpu_level *lt_level_of_processor(void)
{
    return &lt_cpu_levels[1];
}
