#include "frame.h"

uint16_t crc16(const uint8_t *p, size_t n)
{
	static const uint16_t nibble[16] = {
		0x0000, 0x1021, 0x2042, 0x3063, 0x4084, 0x50A5, 0x60C6, 0x70E7,
		0x8108, 0x9129, 0xA14A, 0xB16B, 0xC18C, 0xD1AD, 0xE1CE, 0xF1EF,
	};
	uint32_t c = 0xFFFF;
	for (size_t i = 0; i < n; i++) {
		c = (c << 4 ^ nibble[(c >> 12 ^ p[i] >> 4) & 15]) & 0xFFFF;
		c = (c << 4 ^ nibble[(c >> 12 ^ p[i]) & 15]) & 0xFFFF;
	}
	return (uint16_t)c;
}

uint32_t crc32(uint32_t crc, const uint8_t *p, size_t n)
{
	static const uint32_t nibble[16] = {
		0x00000000, 0x1DB71064, 0x3B6E20C8, 0x26D930AC, 0x76DC4190, 0x6B6B51F4, 0x4DB26158, 0x5005713C,
		0xEDB88320, 0xF00F9344, 0xD6D6A3E8, 0xCB61B38C, 0x9B64C2B0, 0x86D3D2D4, 0xA00AE278, 0xBDBDF21C,
	};
	crc = ~crc;
	for (size_t i = 0; i < n; i++) {
		crc = crc >> 4 ^ nibble[(crc ^ p[i]) & 15];
		crc = crc >> 4 ^ nibble[(crc ^ p[i] >> 4) & 15];
	}
	return ~crc;
}

size_t cobs_encode(uint8_t *wire, const uint8_t *p, size_t n)
{
	uint8_t *code = wire, *out = wire + 1;
	for (size_t i = 0; i < n; i++) {
		if (p[i] != 0) {
			*out++ = p[i];
			continue;
		}
		*code = (uint8_t)(out - code);
		code = out++;
	}
	*code = (uint8_t)(out - code);
	*out++ = 0;
	return (size_t)(out - wire);
}

int cobs_decode(uint8_t *p, size_t n)
{
	size_t in = 0, out = 0;
	while (in < n) {
		size_t k = p[in];
		if (k == 0 || in + k > n)
			return -1;
		for (size_t i = 1; i < k; i++) {
			if (p[in + i] == 0)
				return -1;
			p[out++] = p[in + i];
		}
		in += k;
		if (k < 0xFF && in < n)
			p[out++] = 0;
	}
	return (int)out;
}

size_t frame_encode(uint8_t *wire, uint8_t type, uint8_t seq, const uint8_t *body, size_t n)
{
	uint8_t raw[FRAME_MAX];
	if (n > FRAME_BODY)
		return 0;
	raw[0] = type;
	raw[1] = seq;
	if (n > 0)
		memcpy(raw + 2, body, n);
	put16(raw + 2 + n, crc16(raw, n + 2));
	return cobs_encode(wire, raw, n + 4);
}

bool splitter_push(struct splitter *s, uint8_t byte, struct frame *f)
{
	if (byte != 0) {
		if (s->n == sizeof s->buf)
			s->skip = true;
		else
			s->buf[s->n++] = byte;
		return false;
	}
	size_t n = s->n;
	bool skip = s->skip;
	s->n = 0;
	s->skip = false;
	if (n == 0)
		return false;
	int got = skip ? -1 : cobs_decode(s->buf, n);
	if (got < 4 || got > FRAME_MAX || crc16(s->buf, (size_t)got - 2) != get16(s->buf + got - 2)) {
		s->bad = more16(s->bad);
		return false;
	}
	*f = (struct frame){s->buf[0], s->buf[1], s->buf + 2, (size_t)got - 4};
	return true;
}
