package mdb

import "fmt"

// Device is an address of the bus: the command byte of the VMC with its low
// three bits cleared (mdb 2.3).
type Device uint8

// Addresses of mdb 2.3.
const (
	Changer   Device = 0x08
	Cashless1 Device = 0x10
	Gateway   Device = 0x18
	Display   Device = 0x20
	Energy    Device = 0x28
	Validator Device = 0x30
	USD1      Device = 0x40
	USD2      Device = 0x48
	USD3      Device = 0x50
	Hopper1   Device = 0x58
	Cashless2 Device = 0x60
	AgeCheck  Device = 0x68
	Hopper2   Device = 0x70
)

// DeviceOf gives the device a VMC command byte addresses.
func DeviceOf(command byte) Device { return Device(command & 0xF8) }

// Known reports whether the specification defines commands for the address.
func (d Device) Known() bool {
	switch d {
	case Changer, Cashless1, Gateway, Validator, USD1, USD2, USD3, Hopper1, Cashless2, AgeCheck, Hopper2:
		return true
	}
	return false
}

// Cashless reports whether d is one of the two reader addresses.
func (d Device) Cashless() bool { return d == Cashless1 || d == Cashless2 }

// String names the device shortly ("changer", "cashless1"), an unknown one by
// its address in hex.
func (d Device) String() string {
	switch d {
	case Changer:
		return "changer"
	case Cashless1:
		return "cashless1"
	case Gateway:
		return "gateway"
	case Display:
		return "display"
	case Energy:
		return "energy"
	case Validator:
		return "bill"
	case USD1, USD2, USD3:
		return fmt.Sprintf("usd%d", (d-USD1)/8+1)
	case Hopper1:
		return "hopper1"
	case Hopper2:
		return "hopper2"
	case Cashless2:
		return "cashless2"
	case AgeCheck:
		return "avd"
	}
	return fmt.Sprintf("%02X", uint8(d))
}

// Low three bits of the command byte, as far as several devices share them.
const (
	cmdReset     = 0
	cmdSetup     = 1
	cmdExpansion = 7
)

// PollCommand gives the POLL byte of a device: 0B for the changer, 33 for the
// validator, x2 elsewhere (x3 for hoppers).
func PollCommand(d Device) byte {
	switch d {
	case Changer, Validator, Hopper1, Hopper2:
		return byte(d) | 3
	}
	return byte(d) | 2
}

// lengths gives the possible whole lengths, CHK included, of a VMC block that
// starts with b: one, or two where 32-bit money makes a longer form. first 0
// means unknown: only the next address byte, an answer or silence ends it.
func lengths(b []byte) (first, second int) {
	d, c := DeviceOf(b[0]), b[0]&7
	if !d.Known() {
		return 0, 0
	}
	if c == cmdReset || b[0] == PollCommand(d) {
		return 2, 0
	}
	sub := -1
	if len(b) > 1 {
		sub = int(b[1])
	}
	switch d {
	case Changer:
		return changerLength(c, sub)
	case Validator:
		return validatorLength(c, sub)
	case Cashless1, Cashless2:
		return cashlessLength(c, sub)
	}
	return 0, 0
}

func changerLength(c byte, sub int) (int, int) {
	switch c {
	case 1, 2:
		return 2, 0
	case 4:
		return 6, 0
	case 5:
		return 3, 0
	case cmdExpansion:
		switch sub {
		case 0, 3, 4, 5, 6, 7:
			return 3, 0
		case 1:
			return 7, 0
		case 2:
			return 4, 0
		}
	}
	return 0, 0
}

func validatorLength(c byte, sub int) (int, int) {
	switch c {
	case 1, 6:
		return 2, 0
	case 2:
		return 4, 0
	case 4:
		return 6, 0
	case 5:
		return 3, 0
	case cmdExpansion:
		switch sub {
		case 0, 2, 3, 5, 8, 9, 10:
			return 3, 0
		case 1:
			return 7, 0
		case 4:
			return 21, 0
		case 6:
			return 6, 0
		case 7:
			return 5, 0
		}
	}
	return 0, 0
}

func cashlessLength(c byte, sub int) (int, int) {
	switch c {
	case 1:
		switch sub {
		case 0:
			return 7, 0
		case 1:
			return 7, 13
		}
	case 3:
		switch sub {
		case 0, 6:
			return 7, 9
		case 1, 3, 4:
			return 3, 0
		case 2:
			return 5, 0
		case 5:
			return 7, 11
		}
	case 4:
		switch sub {
		case 0, 1, 2:
			return 3, 0
		case 3:
			return 11, 0
		}
	case 5:
		switch sub {
		case 0:
			return 5, 7
		case 1:
			return 3, 0
		}
	case cmdExpansion:
		switch sub {
		case 0:
			return 32, 0
		case 1:
			return 4, 0
		case 3:
			return 13, 0
		case 4:
			return 7, 0
		}
	}
	return 0, 0
}
