/* The two links to a host. */
#include "board.h"

size_t port_room(uint8_t link) { return link == LINK_USB ? usb_room() : uart_room(); }

void port_send(uint8_t link, const uint8_t *p, size_t n)
{
	if (link == LINK_USB)
		usb_send(p, n);
	else
		uart_send(p, n);
}
