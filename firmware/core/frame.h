/* Frames of the link (docs/link.md): type, sequence, body, CRC-16, COBS-encoded
 * and ended by a zero byte. */
#ifndef CHEKOMAT_FRAME_H
#define CHEKOMAT_FRAME_H

#include "bytes.h"

enum {
	FRAME_MAX = 250,              /* decoded: up to there COBS adds one byte */
	FRAME_BODY = FRAME_MAX - 4,
	FRAME_WIRE = FRAME_MAX + 2,
};

/* CRC-16/CCITT-FALSE; "123456789" gives 29B1. */
uint16_t crc16(const uint8_t *p, size_t n);

/* CRC-32 of IEEE 802.3 (zip, PNG); "123456789" gives CBF43926. crc is 0 to
 * begin, or what the call for the bytes before gave. */
uint32_t crc32(uint32_t crc, const uint8_t *p, size_t n);

/* cobs_encode writes n bytes encoded with their closing zero and gives the
 * length; n is at most 253, wire has room for n + 2. */
size_t cobs_encode(uint8_t *wire, const uint8_t *p, size_t n);

/* cobs_decode decodes in place, without the closing zero; -1 when it is no
 * COBS block. */
int cobs_decode(uint8_t *p, size_t n);

/* frame_encode writes a frame as it goes over the wire, at most FRAME_WIRE
 * bytes; 0 when the body is longer than FRAME_BODY. */
size_t frame_encode(uint8_t *wire, uint8_t type, uint8_t seq, const uint8_t *body, size_t n);

struct frame {
	uint8_t type, seq;
	const uint8_t *body; /* valid until the next splitter_push */
	size_t n;
};

/* A splitter cuts a byte stream into frames. All zero is ready. */
struct splitter {
	uint16_t n;
	uint16_t bad; /* damaged frames; stays at FFFF */
	bool skip;    /* too long: wait for its end */
	uint8_t buf[FRAME_MAX + 1];
};

/* splitter_push takes one byte; true when it completes a good frame. Damaged
 * ones are counted, empty ones ignored. */
bool splitter_push(struct splitter *s, uint8_t byte, struct frame *f);

#endif
