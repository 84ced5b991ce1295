/* op_table.c - all cases of one backend, twice. */
#include <stdio.h>
#include <string.h>

#include "op_check.h"

int op_run_table(lt_backend *backend, lt_backend *other, lt_dtype dtype, const char *name,
                 const char *only)
{
    int failed = 0;
    double worst = 0;
    int cases = 0;
    bool any = false;
    for (int i = 0; i < op_case_count; i++) {
        const op_case *c = &op_cases[i];
        if (only == NULL || strcmp(only, c->op) == 0) {
            static op_check one;
            static op_check again;
            op_run_case(&one, backend, dtype, name, c);
            failed += one.failures > 0;
            if (one.failures == 0) {
                op_run_case(&again, other, dtype, name, c);
                const bool same = one.trace == again.trace;
                if (!same)
                    printf("FAILED %s: other bytes the second time\n", one.place);
                failed += again.failures > 0 || !same;
            }
            worst = one.worst > worst ? one.worst : worst;
            cases++;
            any = true;
        }
        const bool last = i + 1 == op_case_count || strcmp(c->op, op_cases[i + 1].op) != 0;
        if (last && cases > 0) {
            printf("%-16s %-12s %3d cases, largest error / bound %.3f\n", name, c->op, cases,
                   worst);
            worst = 0;
            cases = 0;
        }
    }
    if (!any) {
        printf("FAILED %s: the table has no case of %s\n", name, only ? only : "anything");
        failed++;
    }
    return failed;
}
