/* The interface module without its hardware: words in, frames out, commands
 * carried out. One thread calls it; times are us since boot. */
#ifndef CHEKOMAT_MODULE_H
#define CHEKOMAT_MODULE_H

#include "state.h"

/* module_init starts a module with room for size words, a power of two. */
void module_init(struct module *m, const struct identity *is, struct kept *room, uint32_t size, uint64_t now);

/* module_word takes a word in the order of completion. */
void module_word(struct module *m, struct word w);

/* module_bytes takes what a host sent. */
void module_bytes(struct module *m, uint8_t link, const uint8_t *p, size_t n, uint64_t now);

/* module_opened says that a host opened a link: it is greeted. */
void module_opened(struct module *m, uint8_t link, uint64_t now);

/* module_supply takes a measurement of the bus supply. */
void module_supply(struct module *m, uint16_t mv, uint64_t now);

/* module_tick does what time brings. heard says up to when every word that
 * began has been handed over. It gives when it wants to be called again at the
 * latest. */
uint64_t module_tick(struct module *m, uint64_t now, uint64_t heard);

#endif
