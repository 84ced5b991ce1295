/* host_fibres.cpp - a block of CUDA threads as fibres of one OS thread; see cuda_runtime.h.
 *
 * A fibre runs until it waits: for all threads of its block, for the lanes of a mask, or until something holds. The scheduler goes round and
 * resumes whoever may go on. When nobody may, the kernel would hang or is undefined on a device: the test ends. */
#include <stdio.h>
#include <stdlib.h>
#include <ucontext.h>

#include <map>
#include <vector>

#include "cuda_runtime.h"

#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/common_interface_defs.h>
enum { STACK_BYTES = 256 << 10 }; /* instrumented frames are larger */
#else
enum { STACK_BYTES = 64 << 10 };
#endif

enum { WARP = 32, MOST_THREADS = 1024, SHARED_DEFAULT = 48 << 10, MOST_ARGUMENT_BYTES = 4096 };

uint3 threadIdx;
uint3 blockIdx;
dim3 blockDim;
dim3 gridDim;
thread_local unsigned char lt_dynamic_shared[HOST_SHARED_BYTES] __align__(128);

namespace
{

/* Opens when `arrived` reaches the number that is waited for. */
struct barrier {
    unsigned arrived = 0;
    unsigned opened = 0; /* times */
    uint64_t value[2][WARP];
    unsigned votes[2] = {0, 0};
};

struct warp {
    barrier of_mask[WARP]; /* by the lowest lane of the mask */
};

/* For jumps of the compiler's own: no system call, and nothing that a sanitizer takes for the end of all frames below. */
typedef void *jump_place[5];

/* A stack of its own, and what the address sanitizer keeps of it while another one runs. */
struct own_stack {
    const void *bottom = nullptr;
    size_t bytes = 0;
    void *kept = nullptr;
};

/* Made once, it takes one thread of every block. */
struct fibre {
    own_stack stack;
    ucontext_t context;
    jump_place place; /* where it goes on */
    bool begun = false;
    uint3 thread;
    const barrier *waits = nullptr;
    unsigned seen = 0; /* of waits->opened */
    std::function<bool()> holds; /* before it goes on, if there is one */
    bool done = false;
};

struct block_state {
    fibre fibres[MOST_THREADS];
    int count = 0;
    int running = 0;
    std::vector<warp> warps;
    barrier all;
    own_stack scheduler_stack;
    jump_place scheduler_place;
    const std::function<void()> *body = nullptr;
};

block_state now;
std::map<const void *, int> shared_limit; /* that cudaFuncSetAttribute granted */

int linear_thread()
{
    return (int)((threadIdx.z * blockDim.y + threadIdx.y) * blockDim.x + threadIdx.x);
}

#ifdef __SANITIZE_ADDRESS__

void leave_stack(own_stack *from, const own_stack *to)
{
    __sanitizer_start_switch_fiber(&from->kept, to->bottom, to->bytes);
}

void reach_scheduler()
{
    __sanitizer_finish_switch_fiber(now.scheduler_stack.kept, nullptr, nullptr);
}

/* What was left is the stack of whichever OS thread schedules. `kept` is NULL for the first time on a fibre's. */
void reach_fibre(void *kept)
{
    __sanitizer_finish_switch_fiber(kept, &now.scheduler_stack.bottom, &now.scheduler_stack.bytes);
}

#else

void leave_stack(own_stack *, const own_stack *)
{
}

void reach_scheduler()
{
}

void reach_fibre(void *)
{
}

#endif

/* A function of its own: gcc mixes up a jump with a place that is taken beside it. */
[[noreturn]] __attribute__((noinline, no_sanitize_address)) void jump(void **place)
{
    __builtin_longjmp(place, 1);
}

__attribute__((noinline, no_sanitize_address)) void leave(fibre *me)
{
    leave_stack(&me->stack, &now.scheduler_stack);
    if (__builtin_setjmp(me->place) == 0)
        jump(now.scheduler_place);
    reach_fibre(me->stack.kept);
}

__attribute__((noinline, no_sanitize_address)) void enter(fibre *f)
{
    leave_stack(&now.scheduler_stack, &f->stack);
    if (__builtin_setjmp(now.scheduler_place) == 0) {
        if (f->begun)
            jump(f->place);
        f->begun = true;
        setcontext(&f->context);
    }
    reach_scheduler();
}

void run_fibre()
{
    reach_fibre(nullptr);
    fibre *const me = &now.fibres[now.running];
    for (;;) {
        (*now.body)();
        me->done = true;
        leave(me);
    }
}

void make_fibre(fibre *f)
{
    getcontext(&f->context);
    f->context.uc_stack.ss_sp = malloc(STACK_BYTES);
    f->context.uc_stack.ss_size = STACK_BYTES;
    f->context.uc_link = nullptr;
    if (f->context.uc_stack.ss_sp == nullptr)
        abort();
    f->stack.bottom = f->context.uc_stack.ss_sp;
    f->stack.bytes = STACK_BYTES;
    makecontext(&f->context, run_fibre, 0);
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

[[noreturn]] void hang()
{
    int done = 0;
    int at_block = 0;
    for (int i = 0; i < now.count; i++) {
        done += now.fibres[i].done;
        at_block += !now.fibres[i].done && now.fibres[i].waits == &now.all;
    }
    fprintf(stderr, "cuda-host: a block of %d threads hangs: %d ended, %d wait for the block, %d for their warp or a barrier of their own\n", now.count, done,
            at_block, now.count - done - at_block);
    abort();
}

void resume(int index)
{
    fibre *const f = &now.fibres[index];
    now.running = index;
    threadIdx = f->thread;
    f->waits = nullptr;
    f->holds = nullptr;
    enter(f);
}

void run_block(size_t shared_bytes)
{
    const dim3 size = blockDim;
    const int count = (int)(size.x * size.y * size.z);
    const bool backward = host_device() == 1;
    memset(lt_dynamic_shared, 0xff, shared_bytes);
    now.warps.assign((size_t)(count + WARP - 1) / WARP, warp());
    now.all = barrier();
    now.count = count;
    for (int i = 0; i < count; i++) {
        fibre *const f = &now.fibres[i];
        if (f->context.uc_stack.ss_sp == nullptr)
            make_fibre(f);
        f->thread = {(unsigned)i % size.x, (unsigned)i / size.x % size.y, (unsigned)i / size.x / size.y};
        f->waits = nullptr;
        f->holds = nullptr;
        f->done = false;
    }
    for (int left = count; left > 0;) {
        bool moved = false;
        for (int i = 0; i < count; i++) {
            const int index = backward ? count - 1 - i : i;
            const fibre *const f = &now.fibres[index];
            if (f->done || (f->waits != nullptr && f->waits->opened == f->seen) || (f->holds && !f->holds()))
                continue;
            resume(index);
            moved = true;
            left -= f->done;
        }
        if (!moved)
            hang();
    }
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

void host_wait_until(std::function<bool()> holds)
{
    if (holds())
        return;
    fibre *const me = &now.fibres[now.running];
    me->holds = std::move(holds);
    leave(me);
}

int host_lane()
{
    return linear_thread() % WARP;
}

static barrier *barrier_of(unsigned mask)
{
    if ((mask >> host_lane() & 1) == 0) {
        fprintf(stderr, "cuda-host: lane %d uses a mask %08x that leaves it out\n", host_lane(), mask);
        abort();
    }
    return &now.warps[(size_t)(linear_thread() / WARP)].of_mask[__builtin_ctz(mask)];
}

void __syncwarp(unsigned mask)
{
    (void)arrive(barrier_of(mask), (unsigned)__builtin_popcount(mask));
}

/* Two sets of values take turns: a lane is at its next exchange only when all have read this one. */
uint64_t host_exchange(unsigned mask, uint64_t value, int from)
{
    barrier *b = barrier_of(mask);
    b->value[b->opened % 2][host_lane()] = value;
    const unsigned turn = arrive(b, (unsigned)__builtin_popcount(mask));
    return b->value[turn % 2][from];
}

unsigned __ballot_sync(unsigned mask, int predicate)
{
    barrier *b = barrier_of(mask);
    b->votes[b->opened % 2] |= (predicate != 0 ? 1u : 0u) << host_lane();
    return b->votes[arrive(b, (unsigned)__builtin_popcount(mask)) % 2];
}

cudaError_t cudaFuncSetAttribute(const void *kernel, cudaFuncAttribute attribute, int value)
{
    const host_alone alone(host_lock());
    if (attribute != cudaFuncAttributeMaxDynamicSharedMemorySize || value < 0 || value > HOST_SHARED_BYTES)
        return cudaErrorInvalidValue;
    shared_limit[kernel] = value;
    return cudaSuccess;
}

cudaError_t host_launch(const cudaLaunchConfig_t *config, const void *kernel, size_t argument_bytes,
                        std::function<void()> body)
{
    const host_alone alone(host_lock());
    const dim3 grid = config->gridDim;
    const dim3 block = config->blockDim;
    const size_t threads = (size_t)block.x * block.y * block.z;
    const size_t granted = shared_limit.count(kernel) > 0 ? (size_t)shared_limit[kernel] : (size_t)SHARED_DEFAULT;
    if (threads == 0 || threads > MOST_THREADS || block.z > 64 || grid.x == 0 || grid.y == 0 || grid.z == 0 ||
        grid.x > 0x7fffffffu || grid.y > 0xffffu || grid.z > 0xffffu)
        return cudaErrorInvalidConfiguration;
    if (config->dynamicSmemBytes > granted || argument_bytes > MOST_ARGUMENT_BYTES)
        return cudaErrorInvalidValue;
    const size_t shared_bytes = config->dynamicSmemBytes;
    return host_enqueue_kernel(config->stream, [grid, block, shared_bytes, body = std::move(body)] {
        now.body = &body;
        blockDim = block;
        gridDim = grid;
        const uint64_t blocks = (uint64_t)grid.x * grid.y * grid.z;
        for (uint64_t i = 0; i < blocks; i++) {
            const uint64_t at = host_device() == 1 ? blocks - 1 - i : i;
            blockIdx = {(unsigned)(at % grid.x), (unsigned)(at / grid.x % grid.y), (unsigned)(at / grid.x / grid.y)};
            run_block(shared_bytes);
        }
    });
}
