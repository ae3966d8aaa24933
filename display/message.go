package display

import "image"

// message draws every state but a receipt: a picture, what happens, and what
// the buyer should do.
func (p *painter) message() {
	k := p.inks()
	box := p.frame(k)
	picture, ps := p.messageParts(k)
	if !p.g.wide() {
		if picture != nil {
			ps = append([]para{{pic: picture, size: 5.2, rank: 8}}, ps...)
		}
		p.put(p.column(false), ps, box, true)
		return
	}
	if picture == nil {
		p.put(p.column(false), ps, box, true)
		return
	}
	side := min(box.Dy()*58/100, box.Dx()*30/100)
	gap := side / 5
	at := image.Pt(box.Min.X+gap/2, box.Min.Y+(box.Dy()-side)/2)
	picture(p.c, image.Rectangle{at, at.Add(image.Pt(side, side))})
	box.Min.X = at.X + side + gap
	p.put(p.column(true), ps, box, true)
}

// frame draws the band at the foot with machine and seller, and returns the
// box left for the message.
func (p *painter) frame(k inks) image.Rectangle {
	w, h := p.g.Width, p.g.Height
	margin := max(4, p.g.short()/20)
	box := image.Rect(margin, margin, w-margin, h-margin)
	if p.s.State == Idle || p.s.State == "" {
		return box
	}
	col := p.column(false)
	room := image.Rect(0, 0, box.Dx(), h/8)
	var rows []row
	var high int
	// The seller's name is left out rather than cut to a stump.
	for _, foot := range []string{joinParts(p.named(), p.s.Seller), p.named()} {
		rows, high = col.fit([]para{{role: "foot", text: foot, ink: k.muted, size: 0.8, solo: true, loose: true}}, room)
		if len(rows) == 1 && !rows[0].cut {
			break
		}
	}
	if len(rows) == 0 {
		return box
	}
	band := image.Rect(box.Min.X, h-margin*3/4-high, box.Max.X, h)
	p.report.Texts = append(p.report.Texts, col.place(p.c, rows, band)...)
	rule := band.Min.Y - margin/2
	p.c.rect(image.Rect(box.Min.X, rule, box.Max.X, rule+max(1, p.g.short()/400)), k.line)
	box.Max.Y = rule - margin/3
	return box
}

func (p *painter) messageParts(k inks) (icon, []para) {
	s := p.s
	item := para{role: "item", text: s.Item, ink: k.plain, size: 1.15, most: 3, gap: 0.35, rank: 5, loose: true}
	sum := para{role: "sum", text: p.sum(), bold: true, ink: k.plain, size: 2.3, gap: 0.5, rank: 2, solo: true}
	title := func(w Phrase) para {
		return para{role: "title", text: p.say(w), bold: true, ink: k.strong, size: 1.7, most: 2, gap: 0.7, solo: true}
	}
	hint := func(w Phrase) para {
		return para{role: "hint", text: p.say(w), ink: k.muted, size: 0.95, most: 4, gap: 0.8, rank: 6}
	}
	switch s.State {
	case Vending:
		return trayIcon(k.tint, k.sign), []para{title(words.vending), item, sum, hint(words.vendingHint)}
	case Forming:
		return dotsIcon(k.tint, k.ground, k.strong), []para{title(words.forming), sum, item, hint(words.formingHint)}
	case Delayed:
		return clockIcon(k.tint, k.sign), append([]para{title(words.delayed)}, p.delayedParts(k, item)...)
	case OutOfService:
		return barIcon(k.tint, k.strong, k.ground), p.outParts(k, title(words.out))
	default:
		return nil, p.idleParts(k)
	}
}

// delayedParts say why, and what a buyer needs to ask for the receipt later.
func (p *painter) delayedParts(k inks, item para) []para {
	r := ReasonFor(p.s.Reason)
	var paid, when string
	if sum := p.sum(); sum != "" {
		paid = p.say(words.paidAt) + " " + sum
	}
	if !p.s.At.IsZero() {
		when = p.s.At.Format("02.01.2006 15:04")
	}
	item.rank = 7
	return []para{
		{role: "reason", text: r.Text.In(p.s.Lang), ink: k.plain, size: 1.15, most: 3, gap: 0.4},
		{role: "sum", text: joinParts(paid, when), bold: true, ink: k.plain, size: 1.15, most: 2, gap: 0.7, rank: 2},
		item,
		{role: "next", text: p.say(words.delayedNext), ink: k.muted, size: 0.95, most: 5, gap: 0.7, rank: 4},
		p.codePara(k, r),
	}
}

func (p *painter) outParts(k inks, title para) []para {
	r := ReasonFor(p.s.Reason)
	return []para{
		title,
		{role: "reason", text: r.Text.In(p.s.Lang), ink: k.plain, size: 1.2, most: 3, gap: 0.4},
		{role: "next", text: p.say(words.outNext), bold: true, ink: k.plain, size: 1.1, most: 3, gap: 0.8, rank: 2},
		p.codePara(k, r),
	}
}

// codePara is for the person who is called: the stable code of the reason.
func (p *painter) codePara(k inks, r Reason) para {
	return para{role: "code", text: p.say(words.code) + ": " + p.t.legible(r.Code), ink: k.muted, size: 0.75, gap: 0.7, rank: 9, loose: true}
}

func (p *painter) idleParts(k inks) []para {
	plate := k.tint
	number := para{role: "machine", text: p.s.Machine, bold: true, ink: k.onTint, size: 2.6, gap: 0.35, plate: &plate, solo: true, loose: true}
	label := p.say(words.machine)
	if p.s.Machine == "" {
		label = ""
	}
	return []para{
		{role: "seller", text: p.s.Seller, ink: k.plain, size: 1.05, most: 2, rank: 4, loose: true},
		{pic: slipIcon(k.strong, k.ground), size: 4.2, gap: 0.9, rank: 6},
		{role: "label", text: label, ink: k.muted, size: 1, gap: 0.9, rank: 5},
		number,
		{role: "hint", text: p.say(words.awaiting), ink: k.muted, size: 0.95, most: 3, gap: 0.9, rank: 2},
	}
}
