/* The board under the core: what hw/ offers to main. */
#ifndef CHEKOMAT_BOARD_H
#define CHEKOMAT_BOARD_H

#include "../core/link.h"
#include "../core/port.h"
#include "../core/ring.h"

uint64_t time_now(void); /* us since boot */

void clocks_start(void); /* 12 MHz crystal, 48 MHz for all, 1 us ticks */

/* Lines: words arrive with their line and flags; the time is that of the start
 * bit. */
void lines_start(void);
bool lines_take(struct word *w, uint64_t now);
bool lines_empty(void);
uint32_t lines_longest(void); /* us a word of the slowest line takes */
void alarm_at(uint64_t t);    /* wakes the main loop */

void pins_start(void);
uint16_t supply_read(void); /* mV */

void uart_start(void);
size_t uart_take(uint8_t *p, size_t n);
bool uart_empty(void);
size_t uart_room(void);
void uart_send(const uint8_t *p, size_t n);

void usb_start(const uint8_t id[8]);
size_t usb_take(uint8_t *p, size_t n);
bool usb_empty(void);
size_t usb_room(void);
void usb_send(const uint8_t *p, size_t n);
bool usb_opened(void); /* once after each time a host raised DTR */

void flash_id(uint8_t id[8]);
void usb_boot(void); /* into the mask ROM, does not return */
void watchdog_start(void);
void watchdog_feed(void);

#endif
