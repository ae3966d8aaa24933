/* Commands of the host. */
#ifndef CHEKOMAT_COMMAND_H
#define CHEKOMAT_COMMAND_H

#include "state.h"

/* command carries one out and gives its link_status for CMD_RESULT; S_SILENT
 * when the answer was another frame, or none is due. */
uint8_t command(struct module *m, const struct frame *f, uint64_t now);

#endif
