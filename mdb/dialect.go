package mdb

// Dialects follows, per device, what the length of its messages depends on:
// levels and display of the set-up, expanded currency mode (mdb 7.2). The zero
// value has heard nothing.
type Dialects struct{ devices [3]talk }

// talk is what a reader or an age verification device and the VMC told each other.
type talk struct {
	peripheral, vmc uint8
	screen          uint8
	ec              bool
}

func (t *Dialects) of(d Device) *talk {
	switch d {
	case Cashless1:
		return &t.devices[0]
	case Cashless2:
		return &t.devices[1]
	case AgeCheck:
		return &t.devices[2]
	}
	return nil
}

// Know takes what is known of a device beforehand.
func (t *Dialects) Know(d Device, dl Dialect) {
	if p := t.of(d); p != nil {
		*p = talk{peripheral: dl.Level, vmc: dl.VMCLevel, screen: dl.Screen, ec: dl.EC}
	}
}

// Of gives the dialect spoken with a device now.
func (t *Dialects) Of(d Device) Dialect {
	p := t.of(d)
	if p == nil {
		return Dialect{}
	}
	level := p.peripheral
	if p.vmc != 0 && (level == 0 || p.vmc < level) {
		level = p.vmc
	}
	return Dialect{Level: level, VMCLevel: p.vmc, EC: p.ec, Screen: p.screen}
}

// Command takes a command of the VMC, a good block read or about to be read:
// the exact length of a VEND command tells expanded currency mode where nobody
// heard it being enabled (reference 15.7). It reports whether it did.
func (t *Dialects) Command(b *Block) (guessed bool) {
	d := DeviceOf(b.Data[0])
	p := t.of(d)
	if p == nil {
		return false
	}
	if b.Data[0]&7 == 3 && b.N > 3 {
		if _, wide := VendForm(b.Data[1], int(b.N)-3); wide && !p.ec {
			p.ec = true
			return true
		}
	}
	m, err := ParseCommand(b.Payload(), t.Of(d))
	if err != nil {
		return false
	}
	switch m := m.(type) {
	case Reset:
		p.ec = false
	case SetupConfig:
		p.vmc, p.screen = m.Level&0x7F, m.Screen()
	case FeatureEnable:
		p.ec = d.Cashless() && m.Options&(Option32Bit|OptionMultiCurrency) != 0
	}
	return false
}

// Answer takes a message of a peripheral.
func (t *Dialects) Answer(d Device, m AnswerMessage) {
	p := t.of(d)
	if p == nil {
		return
	}
	switch m := m.(type) {
	case JustReset:
		p.ec = false
	case ReaderConfig:
		p.peripheral = m.Level & 0x7F
	}
}

// Reset is a break of the bus: the devices are not initialised any more.
func (t *Dialects) Reset() {
	for i := range t.devices {
		t.devices[i].ec = false
	}
}
