/* Numbers of the link protocol 1.1 (docs/link.md). */
#ifndef CHEKOMAT_LINK_H
#define CHEKOMAT_LINK_H

enum { LINK_MAJOR = 1, LINK_MINOR = 1 };

enum link_type {
	T_HELLO = 0x01, T_HEARTBEAT = 0x03, T_EVENT, T_RESULT, T_TX_REPORT, T_LOG, T_PONG,
	T_WORDS_AT, T_RESUMED, T_NOW,

	T_HELLO_REQ = 0x80, T_SET_MODE, T_SET_OUTPUTS, T_PING, T_REPLY_SET, T_REPLY_CLEAR, T_POLL_QUEUE,
	T_LINE_CONFIG, T_RESUME, T_KEEP, T_SAFE_OUTPUTS,
	T_REBOOT = 0x8E,
	T_FW_BEGIN = 0x90, T_FW_DATA, T_FW_COMMIT, T_FW_ABORT,
};

enum link_status {
	S_OK, S_UNKNOWN, S_LENGTH, S_VALUE, S_MODE, S_BUSY, S_INTERLOCK, S_VERIFY,
	S_SILENT = 0xFF, /* not on the wire: the answer is another frame, or none */
};

enum link_event {
	E_SUPPLY_LOST = 1, E_SUPPLY_BACK, E_MODE, E_INTERLOCK, E_WATCHDOG, E_STUCK, E_COLLISION, E_CONFIG,
};

enum link_resumed { R_EXACT, R_BOOT, R_OVERRUN, R_AHEAD, R_START };

enum link_tx { TX_ACCEPTED, TX_RESET, TX_CLEARED };

/* Capability bits of HELLO. */
enum {
	CAP_LISTEN_MDB = 1 << 0, CAP_SPEAK_MDB = 1 << 1, CAP_LISTEN_EXE = 1 << 2,
	CAP_OUTPUTS = 1 << 4, CAP_SUPPLY = 1 << 5, CAP_UPDATE = 1 << 6, CAP_USB_BOOT = 1 << 7,
};

/* Boot reasons of HELLO. */
enum { BOOT_POWER, BOOT_WATCHDOG, BOOT_COMMAND, BOOT_TRIAL, BOOT_ROLLBACK };

/* Bits of a word entry. */
enum {
	W_VALUE = 0x1FF,
	W_MODE = 1 << 8,
	W_LINE_SHIFT = 9,
	W_FRAMING = 1 << 11,
	W_BREAK_START = 1 << 12,
	W_BREAK_END = 1 << 13,
	W_LOST = 1 << 14,
	W_OWN = 1 << 15,
};

/* Lines. */
enum { LINE_MASTER, LINE_SLAVE, LINE_EXE_MASTER, LINE_EXE_SLAVE, LINES };

#endif
