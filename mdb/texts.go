package mdb

// MalfunctionText names a reader's error by its type nibble (mdb 7.4, 0A).
func MalfunctionText(code uint8) string {
	return [...]string{
		"payment media error", "invalid payment media", "tamper error", "manufacturer defined error",
		"communications error, reader functional", "reader needs service", "unassigned error", "manufacturer defined error, reader functional",
		"reader failure", "communications error, reader not functional", "payment media jammed", "manufacturer defined error, reader not functional",
		"refund error, credit lost", "reserved", "reserved", "reserved",
	}[code>>4]
}

var diagnostics = map[[2]byte]string{
	{0x01, 0x00}: "powering up", {0x02, 0x00}: "powering down", {0x03, 0x00}: "OK", {0x04, 0x00}: "keypad shifted",
	{0x05, 0x10}: "manual fill or payout active", {0x05, 0x20}: "new inventory information", {0x06, 0x00}: "inhibited by VMC",
	{0x10, 0x00}: "general changer error", {0x10, 0x01}: "checksum error 1", {0x10, 0x02}: "checksum error 2", {0x10, 0x03}: "low voltage",
	{0x11, 0x00}: "discriminator error", {0x11, 0x10}: "deck open", {0x11, 0x11}: "escrow stuck open",
	{0x11, 0x30}: "coin jam", {0x11, 0x41}: "below standard", {0x11, 0x50}: "sensor A",
	{0x11, 0x51}: "sensor B", {0x11, 0x52}: "sensor C", {0x11, 0x53}: "temperature",
	{0x11, 0x54}: "optics", {0x12, 0x00}: "accept gate error", {0x12, 0x30}: "coin stuck in gate",
	{0x12, 0x31}: "gate alarm", {0x12, 0x40}: "gate open without coin", {0x12, 0x50}: "post-gate sensor",
	{0x13, 0x00}: "separator error", {0x13, 0x10}: "sort sensor", {0x14, 0x00}: "dispenser error",
	{0x15, 0x00}: "storage error", {0x15, 0x02}: "cassette removed", {0x15, 0x03}: "cash box sensor", {0x15, 0x04}: "sunlight on tube sensors",
}

// DiagnosticText names a main and sub code of the changer's DIAGNOSTIC STATUS
// (mdb 5.3, 0F 05); "" for one the specification leaves open.
func DiagnosticText(code [2]byte) string { return diagnostics[code] }
