/* What the core needs of the hardware: the thin layer (hw/) gives these, in the
 * host's tests a fake does. */
#ifndef CHEKOMAT_PORT_H
#define CHEKOMAT_PORT_H

#include "bytes.h"

enum { LINKS = 2, LINK_UART = 0, LINK_USB = 1 };

size_t port_room(uint8_t link);                               /* bytes a link takes now */
void port_send(uint8_t link, const uint8_t *p, size_t n);     /* n <= port_room */
void port_say(const uint16_t *words, size_t n, uint64_t at);  /* MDB, first start bit at */
bool port_interlock(void);                                    /* the jumper is set */
bool port_master_busy(void);                                  /* line 0 is inside a word */
void port_outputs(uint8_t value);
bool port_line(uint8_t line, uint8_t flags, uint32_t baud);   /* false: cannot be */
void port_reboot(uint8_t how);                                /* 0 program, 1 USB boot */

#endif
