/* host_fibres.cpp - a block of CUDA threads as fibres of one OS thread; see cuda_runtime.h.
 *
 * A fibre runs until it waits: for all threads of its block, for the lanes of a mask, or until
 * something holds. Then it jumps to the next one in the round that may go on. When nobody may, the
 * kernel would hang or is undefined on a device: the test ends.
 *
 * A shuffle costs 32 jumps, and most tests spend more time on them than on arithmetic: what a jump
 * needs lies close together. */
#include <stdio.h>
#include <stdlib.h>
#ifndef __x86_64__
#include <ucontext.h>
#endif

#include <map>

#include "cuda_runtime.h"

#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/common_interface_defs.h>
enum { STACK_BYTES = 256 << 10 }; /* instrumented frames are larger */
#else
enum { STACK_BYTES = 64 << 10 };
#endif

enum {
    WARP = 32,
    PAGE = 4096,
    MOST_THREADS = 1024,
    SHARED_DEFAULT = 48 << 10,
    MOST_ARGUMENT_BYTES = 4096,
    WAITS_OLDEST = 90
};

uint3 threadIdx;
uint3 blockIdx;
dim3 blockDim;
dim3 gridDim;
int host_current_lane;
thread_local unsigned char lt_dynamic_shared[HOST_SHARED_BYTES] __align__(128);

namespace
{

/* Opens when `arrived` reaches the number that is waited for; then it
 * is as new, but for `opened`. */
struct barrier {
    unsigned arrived = 0;
    unsigned opened = 0; /* times */
    uint64_t value[2][WARP];
    unsigned votes[2] = {0, 0};
};

struct warp {
    barrier of_mask[WARP]; /* by the lowest lane of the mask */
};

/* A stack of its own, where it was left, and what the address sanitizer keeps
 * of it while another one runs. */
struct own_stack {
    void *at = nullptr;
    const void *bottom = nullptr;
    size_t bytes = 0;
    void *kept = nullptr;
};

/* Made once, it takes one thread of every block. */
struct fibre {
    const barrier *waits = nullptr;
    const std::function<bool()> *holds = nullptr; /* before it goes on */
    unsigned seen = 0;                            /* of waits->opened */
    bool done = false;
    uint3 thread;
    own_stack stack;
};

struct block_state {
    fibre fibres[MOST_THREADS];
    int count = 0;
    int left = 0; /* that are not done */
    int running = 0;
    bool backward = false;
    barrier all;
    warp warps[MOST_THREADS / WARP];
    own_stack launcher;          /* of the OS thread that runs the block */
    own_stack *before = nullptr; /* the stack that was left last */
    const std::function<void()> *body = nullptr;
};

block_state now;
std::map<const void *, int> shared_limit; /* that cudaFuncSetAttribute granted */
int compiled_for = WAITS_OLDEST;
size_t early_launches;

#ifdef __SANITIZE_ADDRESS__

void leaving(own_stack *from, const own_stack *to)
{
    __sanitizer_start_switch_fiber(&from->kept, to->bottom, to->bytes);
}

void reached(const own_stack *here)
{
    __sanitizer_finish_switch_fiber(here->kept, &now.before->bottom, &now.before->bytes);
}

#else

void leaving(own_stack *, const own_stack *)
{
}

void reached(const own_stack *)
{
}

#endif

void run_fibre();

} // namespace

/* Keeps in `*from` where this stack is left, and goes on where `to` was. */
extern "C" void host_change_stack(void **from, void *to);

#ifdef __x86_64__

/* What the calling convention keeps lies on the stack that is left. No system call, and since all
 * fibres come here on the same way, the processor foresees the returns. */
asm(R"(
    .text
    .type host_change_stack, @function
    .globl host_change_stack
host_change_stack:
    pushq %rbp
    pushq %rbx
    pushq %r12
    pushq %r13
    pushq %r14
    pushq %r15
    movq %rsp, (%rdi)
    movq %rsi, %rsp
    popq %r15
    popq %r14
    popq %r13
    popq %r12
    popq %rbx
    popq %rbp
    ret
    .size host_change_stack, . - host_change_stack
)");

static void *beginning(void *bottom, size_t bytes)
{
    enum { KEPT = 6 };
    void **top = (void **)((char *)bottom + bytes);
    *--top = nullptr; /* where a return address would be */
    *--top = (void *)run_fibre;
    return memset(top - KEPT, 0, KEPT * sizeof *top);
}

#else

extern "C" void host_change_stack(void **from, void *to)
{
    ucontext_t here;
    *from = &here;
    swapcontext(&here, (ucontext_t *)to);
}

static void *beginning(void *bottom, size_t bytes)
{
    ucontext_t *const context = new ucontext_t;
    getcontext(context);
    context->uc_stack.ss_sp = bottom;
    context->uc_stack.ss_size = bytes;
    context->uc_link = nullptr;
    makecontext(context, run_fibre, 0);
    return context;
}

#endif

namespace
{

void change_stack(own_stack *from, const own_stack *to)
{
    now.before = from;
    leaving(from, to);
    host_change_stack(&from->at, to->at);
    reached(from);
}

[[noreturn]] void hang()
{
    int done = 0;
    int at_block = 0;
    for (int i = 0; i < now.count; i++) {
        done += now.fibres[i].done;
        at_block += !now.fibres[i].done && now.fibres[i].waits == &now.all;
    }
    fprintf(
        stderr,
        "cuda-host: a block of %d threads hangs: %d ended, %d wait for the block, %d for their warp or a barrier of their own\n",
        now.count, done, at_block, now.count - done - at_block);
    abort();
}

inline bool may_go_on(const fibre &f)
{
    return !f.done && (f.waits == nullptr || f.waits->opened != f.seen) &&
           (f.holds == nullptr || (*f.holds)());
}

/* The first one in the round that may go on, from `index` on. */
fibre *next_from(int index)
{
    const int step = now.backward ? -1 : 1;
    for (int tried = 0; tried < now.count; tried++, index += step) {
        if (index == now.count)
            index = 0;
        else if (index < 0)
            index = now.count - 1;
        if (may_go_on(now.fibres[index]))
            return &now.fibres[index];
    }
    hang();
}

/* `f` is the one that runs from here on. */
const own_stack *turn_of(fibre *f)
{
    now.running = (int)(f - now.fibres);
    threadIdx = f->thread;
    host_current_lane = now.running % WARP;
    f->waits = nullptr;
    f->holds = nullptr;
    return &f->stack;
}

/* For whoever is next, or for the launcher when all are done; comes back when this one is next. */
void leave(fibre *me)
{
    fibre *const next = now.left > 0 ? next_from(now.running + (now.backward ? -1 : 1)) : nullptr;
    const own_stack *const to = next != nullptr ? turn_of(next) : &now.launcher;
    if (next != me)
        change_stack(&me->stack, to);
}

void run_fibre()
{
    fibre *const me = &now.fibres[now.running];
    reached(&me->stack);
    for (;;) {
        (*now.body)();
        me->done = true;
        now.left--;
        leave(me);
    }
}

void make_stack(own_stack *stack, int index)
{
    void *const bottom = aligned_alloc(PAGE, STACK_BYTES + PAGE);
    if (bottom == nullptr)
        abort();
    stack->bottom = bottom;
    /* or all would want the same sets of the cache */
    stack->bytes = STACK_BYTES + (size_t)(index % WARP) * PAGE / WARP;
    stack->at = beginning(bottom, stack->bytes);
}

/* Arrives at `b`, goes on when `count` fibres have; returns how often it had opened before. */
unsigned arrive(barrier *b, unsigned count)
{
    const unsigned turn = b->opened;
    if (++b->arrived == count) {
        b->arrived = 0;
        b->votes[(turn + 1) % 2] = 0;
        b->opened++;
        return turn;
    }
    fibre *const me = &now.fibres[now.running];
    me->waits = b;
    me->seen = turn;
    leave(me);
    return turn;
}

void run_block(size_t shared_bytes)
{
    const dim3 size = blockDim;
    const int count = (int)(size.x * size.y * size.z);
    memset(lt_dynamic_shared, 0xff, shared_bytes);
    now.backward = host_device() == 1;
    now.count = count;
    now.left = count;
    for (int i = 0; i < count; i++) {
        fibre *const f = &now.fibres[i];
        if (f->stack.at == nullptr)
            make_stack(&f->stack, i);
        f->thread = {(unsigned)i % size.x, (unsigned)i / size.x % size.y,
                     (unsigned)i / size.x / size.y};
        f->waits = nullptr;
        f->holds = nullptr;
        f->done = false;
    }
    change_stack(&now.launcher, turn_of(&now.fibres[now.backward ? count - 1 : 0]));
}

} // namespace

void __syncthreads()
{
    (void)arrive(&now.all, (unsigned)now.count);
}

int __syncthreads_or(int predicate)
{
    now.all.votes[now.all.opened % 2] |= predicate != 0;
    return (int)now.all.votes[arrive(&now.all, (unsigned)now.count) % 2];
}

void host_wait_until(const std::function<bool()> &holds)
{
    if (holds())
        return;
    fibre *const me = &now.fibres[now.running];
    me->holds = &holds;
    leave(me);
}

static barrier *barrier_of(unsigned mask)
{
    if ((mask >> host_lane() & 1) == 0) {
        fprintf(stderr, "cuda-host: lane %d uses a mask %08x that leaves it out\n", host_lane(),
                mask);
        abort();
    }
    return &now.warps[now.running / WARP].of_mask[__builtin_ctz(mask)];
}

static unsigned lanes_of(unsigned mask)
{
    return mask == 0xffffffffu ? 32u : (unsigned)__builtin_popcount(mask);
}

void __syncwarp(unsigned mask)
{
    (void)arrive(barrier_of(mask), lanes_of(mask));
}

/* Two sets of values take turns: a lane is at its next exchange only
 * when all have read this one. */
uint64_t host_exchange(unsigned mask, uint64_t value, int from)
{
    barrier *b = barrier_of(mask);
    b->value[b->opened % 2][host_lane()] = value;
    const unsigned turn = arrive(b, lanes_of(mask));
    return b->value[turn % 2][from];
}

unsigned __ballot_sync(unsigned mask, int predicate)
{
    barrier *b = barrier_of(mask);
    b->votes[b->opened % 2] |= (predicate != 0 ? 1u : 0u) << host_lane();
    return b->votes[arrive(b, lanes_of(mask)) % 2];
}

cudaError_t cudaFuncSetAttribute(const void *kernel, cudaFuncAttribute attribute, int value)
{
    const host_alone alone(host_lock());
    if (attribute != cudaFuncAttributeMaxDynamicSharedMemorySize || value < 0 ||
        value > HOST_SHARED_BYTES)
        return cudaErrorInvalidValue;
    shared_limit[kernel] = value;
    return cudaSuccess;
}

cudaError_t cudaFuncGetAttributes(cudaFuncAttributes *attributes, const void *kernel)
{
    const host_alone alone(host_lock());
    if (kernel == nullptr)
        return cudaErrorInvalidDeviceFunction;
    attributes->ptxVersion = compiled_for;
    return cudaSuccess;
}

void host_compile_for(int architecture)
{
    const host_alone alone(host_lock());
    compiled_for = architecture;
}

size_t host_early_launches(void)
{
    const host_alone alone(host_lock());
    return early_launches;
}

cudaError_t host_launch(const cudaLaunchConfig_t *config, const void *kernel, size_t argument_bytes,
                        std::function<void()> body)
{
    const host_alone alone(host_lock());
    const dim3 grid = config->gridDim;
    const dim3 block = config->blockDim;
    const size_t threads = (size_t)block.x * block.y * block.z;
    const size_t granted =
        shared_limit.count(kernel) > 0 ? (size_t)shared_limit[kernel] : (size_t)SHARED_DEFAULT;
    if (threads == 0 || threads > MOST_THREADS || block.z > 64 || grid.x == 0 || grid.y == 0 ||
        grid.z == 0 || grid.x > 0x7fffffffu || grid.y > 0xffffu || grid.z > 0xffffu)
        return cudaErrorInvalidConfiguration;
    if (config->dynamicSmemBytes > granted || argument_bytes > MOST_ARGUMENT_BYTES)
        return cudaErrorInvalidValue;
    if (config->numAttrs > 0 && compiled_for < WAITS_OLDEST)
        return cudaErrorInvalidConfiguration;
    early_launches += config->numAttrs;
    const size_t shared_bytes = config->dynamicSmemBytes;
    return host_enqueue_kernel(config->stream, [grid, block, shared_bytes, body = std::move(body)] {
        now.body = &body;
        blockDim = block;
        gridDim = grid;
        const uint64_t blocks = (uint64_t)grid.x * grid.y * grid.z;
        for (uint64_t i = 0; i < blocks; i++) {
            const uint64_t at = host_device() == 1 ? blocks - 1 - i : i;
            blockIdx = {(unsigned)(at % grid.x), (unsigned)(at / grid.x % grid.y),
                        (unsigned)(at / grid.x / grid.y)};
            run_block(shared_bytes);
        }
    });
}
