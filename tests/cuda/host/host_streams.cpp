/* host_streams.cpp - streams, events, and what is queued on them, in the host build; see
 * cuda_runtime_api.h.
 *
 * A stream that does its work at once does what it is given when it is given. One that does it late
 * runs nothing until somebody waits for it: the host, or another stream at an event. Any such order
 * is one that a device may take, so a wait that is missing anywhere gives wrong bytes on one of the
 * devices.
 *
 * A stream that captures keeps what it is given, arguments by value, and a launch of the graph
 * gives all of it again. What a capture refuses on a device spoils it here too. Two things are
 * refused that a device would take, since a recording would not be all of a pass:
 * work for another stream, which it would do at once, and events, which would make the other stream
 * part of the graph.
 */
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <deque>
#include <memory>
#include <set>
#include <vector>

#include "cuda_runtime.h"

struct host_queue {
    int device;
    bool late;
    uint64_t queued = 0; /* pieces of work that were ever given */
    uint64_t done = 0;
    std::deque<std::function<void()>> work;
};

struct host_stream {
    std::shared_ptr<host_queue> queue;
};

using host_pieces = std::vector<std::function<void()>>;

struct host_graph {
    host_pieces work;
};

struct host_graph_exec {
    std::shared_ptr<const host_pieces> work;
};

/* Reached when `queue` has done its first `at` pieces of work; recorded nowhere: at once. */
struct host_event {
    std::shared_ptr<host_queue> queue;
    uint64_t at = 0;
};

namespace
{

std::set<host_stream *> streams;
host_stream *capturing; /* or NULL: one at a time is enough */
host_pieces captured;
bool spoiled; /* something was asked for that a capture refuses */
size_t launches;
size_t kernels;
size_t waits;

cudaError_t spoil(cudaError_t code)
{
    spoiled = true;
    return code;
}

void run_until(host_queue &q, uint64_t at)
{
    while (q.done < at) {
        const std::function<void()> work = std::move(q.work.front());
        q.work.pop_front();
        const int caller = host_device();
        (void)cudaSetDevice(q.device);
        work();
        (void)cudaSetDevice(caller);
        q.done++;
    }
}

cudaError_t give(cudaStream_t stream, std::function<void()> work)
{
    const host_alone alone(host_lock());
    if (capturing != nullptr && stream != capturing)
        return spoil(stream == nullptr ? cudaErrorStreamCaptureImplicit
                                       : cudaErrorStreamCaptureIsolation);
    if (streams.count(stream) == 0)
        return cudaErrorInvalidResourceHandle;
    if (capturing != nullptr) {
        captured.push_back(std::move(work));
        return spoiled ? cudaErrorStreamCaptureInvalidated : cudaSuccess;
    }
    host_queue &q = *stream->queue;
    q.work.push_back(std::move(work));
    q.queued++;
    if (!q.late)
        run_until(q, q.queued);
    return cudaSuccess;
}

/* The first stream of device 0 works at once and its others late; of device 1 it is the other way
 * round; of device 2 all are late. */
bool is_late(int device)
{
    bool first = true;
    for (const host_stream *s : streams)
        first = first && s->queue->device != device;
    return device == 2 || first == (device == 1);
}

} // namespace

void host_finish_all(void)
{
    const host_alone alone(host_lock());
    for (host_stream *s : streams)
        run_until(*s->queue, s->queue->queued);
}

cudaError_t host_enqueue(cudaStream_t stream, std::function<void()> work)
{
    return give(stream, [work = std::move(work)] {
        host_device_begin();
        work();
        host_device_end();
    });
}

cudaError_t host_enqueue_kernel(cudaStream_t stream, std::function<void()> work)
{
    const host_alone alone(host_lock());
    launches += capturing == nullptr;
    return host_enqueue(stream, [work = std::move(work)] {
        kernels++;
        work();
    });
}

size_t host_launches(void)
{
    const host_alone alone(host_lock());
    return launches;
}

size_t host_kernels(void)
{
    const host_alone alone(host_lock());
    return kernels;
}

size_t host_waits(void)
{
    const host_alone alone(host_lock());
    return waits;
}

cudaError_t host_refuse_in_capture(void)
{
    const host_alone alone(host_lock());
    return capturing != nullptr ? spoil(cudaErrorStreamCaptureUnsupported) : cudaSuccess;
}

cudaError_t host_enqueue_call(cudaStream_t stream, void (*work)(void *), const void *argument,
                              size_t bytes)
{
    std::vector<max_align_t> copy((bytes + sizeof(max_align_t) - 1) / sizeof(max_align_t));
    memcpy(copy.data(), argument, bytes);
    return host_enqueue(stream, [work, copy]() mutable { work(copy.data()); });
}

cudaError_t cudaMemcpyAsync(void *to, const void *from, size_t bytes, cudaMemcpyKind,
                            cudaStream_t stream)
{
    return host_enqueue(stream, [=] { memmove(to, from, bytes); });
}

cudaError_t cudaMemsetAsync(void *memory, int value, size_t bytes, cudaStream_t stream)
{
    return host_enqueue(stream, [=] { memset(memory, value, bytes); });
}

cudaError_t cudaStreamCreateWithFlags(cudaStream_t *stream, unsigned)
{
    const host_alone alone(host_lock());
    *stream = new host_stream{std::make_shared<host_queue>()};
    (*stream)->queue->device = host_device();
    (*stream)->queue->late = is_late(host_device());
    streams.insert(*stream);
    return cudaSuccess;
}

cudaError_t cudaStreamSynchronize(cudaStream_t stream)
{
    const host_alone alone(host_lock());
    if (host_refuse_in_capture() != cudaSuccess)
        return cudaErrorStreamCaptureUnsupported;
    if (streams.count(stream) == 0)
        return cudaErrorInvalidResourceHandle;
    waits++;
    run_until(*stream->queue, stream->queue->queued);
    if (host_devices_lost())
        return cudaErrorLaunchFailure;
    return cudaSuccess;
}

cudaError_t cudaStreamWaitEvent(cudaStream_t stream, cudaEvent_t event, unsigned)
{
    const host_alone alone(host_lock());
    if (host_refuse_in_capture() != cudaSuccess)
        return cudaErrorStreamCaptureIsolation;
    if (event == nullptr)
        return cudaErrorInvalidResourceHandle;
    const host_event as_recorded = *event; /* what is recorded later on is not waited for */
    return as_recorded.queue == nullptr
               ? cudaSuccess
               : give(stream, [as_recorded] { run_until(*as_recorded.queue, as_recorded.at); });
}

cudaError_t cudaStreamDestroy(cudaStream_t stream)
{
    const host_alone alone(host_lock());
    const cudaError_t code = cudaStreamSynchronize(stream);
    if (streams.erase(stream) > 0)
        delete stream;
    return code;
}

cudaError_t cudaEventCreateWithFlags(cudaEvent_t *event, unsigned)
{
    *event = new host_event();
    return cudaSuccess;
}

cudaError_t cudaEventRecord(cudaEvent_t event, cudaStream_t stream)
{
    const host_alone alone(host_lock());
    if (host_refuse_in_capture() != cudaSuccess)
        return cudaErrorStreamCaptureUnsupported;
    if (event == nullptr || streams.count(stream) == 0)
        return cudaErrorInvalidResourceHandle;
    *event = {stream->queue, stream->queue->queued};
    return cudaSuccess;
}

cudaError_t cudaEventSynchronize(cudaEvent_t event)
{
    const host_alone alone(host_lock());
    if (host_refuse_in_capture() != cudaSuccess)
        return cudaErrorStreamCaptureUnsupported;
    if (event == nullptr)
        return cudaErrorInvalidResourceHandle;
    waits++;
    if (event->queue != nullptr)
        run_until(*event->queue, event->at);
    return cudaSuccess;
}

cudaError_t cudaEventDestroy(cudaEvent_t event)
{
    delete event;
    return cudaSuccess;
}

cudaError_t cudaStreamBeginCapture(cudaStream_t stream, cudaStreamCaptureMode mode)
{
    const host_alone alone(host_lock());
    if (host_refuse_in_capture() != cudaSuccess)
        return cudaErrorStreamCaptureUnsupported;
    if (streams.count(stream) == 0)
        return stream == nullptr ? cudaErrorStreamCaptureUnsupported
                                 : cudaErrorInvalidResourceHandle;
    if (mode != cudaStreamCaptureModeThreadLocal)
        return cudaErrorInvalidValue;
    capturing = stream;
    captured.clear();
    spoiled = false;
    return cudaSuccess;
}

cudaError_t cudaStreamEndCapture(cudaStream_t stream, cudaGraph_t *graph)
{
    const host_alone alone(host_lock());
    *graph = nullptr;
    if (capturing == nullptr || capturing != stream)
        return cudaErrorStreamCaptureUnmatched;
    capturing = nullptr;
    if (spoiled)
        return cudaErrorStreamCaptureInvalidated;
    *graph = new host_graph{std::move(captured)};
    return cudaSuccess;
}

cudaError_t cudaGraphInstantiate(cudaGraphExec_t *exec, cudaGraph_t graph, unsigned long long flags)
{
    const host_alone alone(host_lock());
    *exec = nullptr;
    if (host_refuse_in_capture() != cudaSuccess)
        return cudaErrorStreamCaptureUnsupported;
    if (graph == nullptr || flags != 0)
        return cudaErrorInvalidValue;
    *exec = new host_graph_exec{std::make_shared<const host_pieces>(graph->work)};
    return cudaSuccess;
}

/* Every launch has its own copy of what the graph holds, and ends the test where the graph goes
 * before it is done. */
cudaError_t cudaGraphLaunch(cudaGraphExec_t exec, cudaStream_t stream)
{
    const host_alone alone(host_lock());
    if (host_refuse_in_capture() != cudaSuccess)
        return cudaErrorStreamCaptureUnsupported;
    if (exec == nullptr || streams.count(stream) == 0)
        return cudaErrorInvalidResourceHandle;
    launches++;
    const std::weak_ptr<const host_pieces> graph = exec->work;
    for (size_t i = 0; i < exec->work->size(); i++)
        (void)give(stream, [graph, i] {
            const std::shared_ptr<const host_pieces> work = graph.lock();
            if (work == nullptr) {
                fprintf(stderr, "cuda-host: a graph was destroyed while it was under way\n");
                abort();
            }
            const std::function<void()> piece = (*work)[i];
            piece();
        });
    return cudaSuccess;
}

cudaError_t cudaGraphDestroy(cudaGraph_t graph)
{
    delete graph;
    return cudaSuccess;
}

cudaError_t cudaGraphExecDestroy(cudaGraphExec_t exec)
{
    const host_alone alone(host_lock());
    delete exec;
    return cudaSuccess;
}
