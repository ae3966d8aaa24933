/* Frames to the host. */
#ifndef CHEKOMAT_TELL_H
#define CHEKOMAT_TELL_H

#include "state.h"

/* tell sends a frame; false when the link had no room: its number is used up, so
 * the host sees that it is missing. */
bool tell(struct module *m, uint8_t link, uint8_t type, const uint8_t *body, size_t n);

void tell_hello(struct module *m, uint8_t link, uint64_t now);
void tell_resumed(struct module *m, uint64_t lost, uint8_t reason);
void tell_heartbeat(struct module *m, uint64_t now);

/* tell_notes sends what was noted, as far as the link takes it. */
void tell_notes(struct module *m);

/* tell_words sends words that waited long enough, and in a silence how late it
 * is; heard as in module_tick. It gives when it wants to be called again. */
uint64_t tell_words(struct module *m, uint64_t now, uint64_t heard);

#endif
