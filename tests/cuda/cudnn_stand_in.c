/* cudnn_stand_in.c - a libcudnn.so.9 that plans nothing: what test_cudnn_faults tells it to answer
 * when a plan or a way of looking for engines is finalized, and success for all else. Two proposals
 * come from every look, whose engines have more numerical notes than are read. Test-only. */
#include <cudnn_graph.h>
#include <stdlib.h>

#include "cudnn_stand_in.h"

enum { PROPOSALS = 2, UNKNOWN_NOTES = 64 /* of an engine, more than its reader has room for */ };

static struct {
    const int *codes;
    int count;
    int look;
    int plans; /* that were finalized since */
} told;

typedef struct {
    cudnnBackendDescriptorType_t type;
} thing;

#pragma GCC visibility push(default) /* the build hides what is not named */

void stand_in_answers(const int *codes, int count, int look)
{
    told.codes = codes;
    told.count = count;
    told.look = look;
    told.plans = 0;
}

int stand_in_plans(void)
{
    return told.plans;
}

size_t cudnnGetVersion(void)
{
    return CUDNN_VERSION;
}

const char *cudnnGetErrorString(cudnnStatus_t status)
{
    return status == CUDNN_STATUS_SUCCESS ? "fine" : "as the test wanted it";
}

void cudnnGetLastErrorString(char *message, size_t max_size)
{
    if (max_size > 0)
        message[0] = '\0';
}

cudnnStatus_t cudnnCreate(cudnnHandle_t *handle)
{
    *handle = NULL;
    return CUDNN_STATUS_INTERNAL_ERROR;
}

cudnnStatus_t cudnnDestroy(cudnnHandle_t handle)
{
    (void)handle;
    return CUDNN_STATUS_SUCCESS;
}

cudnnStatus_t cudnnSetStream(cudnnHandle_t handle, cudaStream_t stream)
{
    (void)handle, (void)stream;
    return CUDNN_STATUS_SUCCESS;
}

cudnnStatus_t cudnnBackendCreateDescriptor(cudnnBackendDescriptorType_t type,
                                           cudnnBackendDescriptor_t *descriptor)
{
    thing *made = malloc(sizeof *made);
    if (made == NULL)
        return CUDNN_STATUS_INTERNAL_ERROR_HOST_ALLOCATION_FAILED;
    made->type = type;
    *descriptor = made;
    return CUDNN_STATUS_SUCCESS;
}

cudnnStatus_t cudnnBackendDestroyDescriptor(cudnnBackendDescriptor_t descriptor)
{
    free(descriptor);
    return CUDNN_STATUS_SUCCESS;
}

cudnnStatus_t cudnnBackendSetAttribute(cudnnBackendDescriptor_t descriptor,
                                       cudnnBackendAttributeName_t name,
                                       cudnnBackendAttributeType_t type, int64_t count,
                                       const void *elements)
{
    (void)descriptor, (void)name, (void)type, (void)count, (void)elements;
    return CUDNN_STATUS_SUCCESS;
}

cudnnStatus_t cudnnBackendGetAttribute(cudnnBackendDescriptor_t const descriptor,
                                       cudnnBackendAttributeName_t name,
                                       cudnnBackendAttributeType_t type, int64_t requested,
                                       int64_t *count, void *elements)
{
    (void)descriptor, (void)type;
    *count = name == CUDNN_ATTR_ENGINEHEUR_RESULTS ? PROPOSALS : 1;
    if (name == CUDNN_ATTR_ENGINE_NUMERICAL_NOTE) {
        for (int64_t i = 0; i < requested; i++)
            ((cudnnBackendNumericalNote_t *)elements)[i] = CUDNN_NUMERICAL_NOTE_STRICT_NAN_PROP;
        *count = requested + UNKNOWN_NOTES;
    }
    if (name == CUDNN_ATTR_EXECUTION_PLAN_WORKSPACE_SIZE)
        *(int64_t *)elements = 0;
    return CUDNN_STATUS_SUCCESS;
}

cudnnStatus_t cudnnBackendFinalize(cudnnBackendDescriptor_t descriptor)
{
    const cudnnBackendDescriptorType_t type = ((const thing *)descriptor)->type;
    if (type == CUDNN_BACKEND_ENGINEHEUR_DESCRIPTOR)
        return (cudnnStatus_t)told.look;
    if (type != CUDNN_BACKEND_EXECUTION_PLAN_DESCRIPTOR)
        return CUDNN_STATUS_SUCCESS;
    const int at = told.plans++;
    return (cudnnStatus_t)told.codes[at < told.count ? at : told.count - 1];
}

cudnnStatus_t cudnnBackendExecute(cudnnHandle_t handle, cudnnBackendDescriptor_t plan,
                                  cudnnBackendDescriptor_t pack)
{
    (void)handle, (void)plan, (void)pack;
    return CUDNN_STATUS_INTERNAL_ERROR;
}

#pragma GCC visibility pop
