package evadts

// rowKey is what makes a row the same in two reports. Some machines print a
// key twice: the second is told from the first by its turn.
type rowKey struct {
	product, device, list string
	turn                  int
}

type turns map[rowKey]int

// next gives the key with its turn.
func (t turns) next(k rowKey) rowKey {
	n := t[k]
	t[k] = n + 1
	k.turn = n
	return k
}

// products compares by PA7 where it counts anything, else by PA2 (evadts 6.2).
func (d *differ) products() {
	d.perProduct()
	if d.rowsCount() {
		d.byRows()
	}
	d.byList()
}

func (d *differ) rowsCount() bool {
	for _, r := range d.new.Rows {
		if !r.Cumulative.zero() {
			return true
		}
	}
	return false
}

func (d *differ) byRows() {
	d.out.ByProduct = d.out.ByProduct[:0]
	seen, was := turns{}, map[rowKey]Row{}
	for _, r := range d.old.Rows {
		was[seen.next(rowKey{r.Product, r.Device, r.List, 0})] = r
	}
	seen = turns{}
	for _, r := range d.new.Rows {
		k := seen.next(rowKey{r.Product, r.Device, r.List, 0})
		old, ok := was[k]
		delete(was, k)
		d.put(&d.out.ByProduct, k, ok, old.Price, r.Price, old.Total, r.Total, "PA706", "PA705")
	}
	for _, r := range d.old.Rows {
		if _, gone := was[rowKey{r.Product, r.Device, r.List, 0}]; gone && !r.Cumulative.zero() && !d.restart {
			d.holes = true
			d.find(CodeProductVanished, r.Product+" "+r.Device+" "+r.List)
		}
	}
}

// perProduct compares PA2, PA3, PA4 and PA8.
func (d *differ) perProduct() {
	seen, was := turns{}, map[rowKey]*Product{}
	for i := range d.old.Products {
		p := &d.old.Products[i]
		was[seen.next(rowKey{product: p.ID})] = p
	}
	seen = turns{}
	byRows := d.rowsCount()
	var mixed Delta
	for i := range d.new.Products {
		p := &d.new.Products[i]
		k := seen.next(rowKey{product: p.ID})
		old, ok := was[k]
		delete(was, k)
		if !ok {
			old = &Product{}
		}
		if !byRows {
			d.put(&d.out.ByProduct, k, ok, old.Price, p.Price, old.Paid, p.Paid, "PA202", "PA201")
		}
		d.put(&d.out.TestByProduct, k, ok, old.Price, p.Price, old.Test, p.Test, "PA302", "PA301")
		d.put(&d.out.FreeByProduct, k, ok, old.Price, p.Price, old.Free, p.Free, "PA402", "PA401")
		if p.Mixed.Present && ok {
			m := d.both("PA802 "+p.ID, "PA801 "+p.ID, old.Mixed, p.Mixed)
			mixed.Count, mixed.Value = plus(mixed.Count, m.Count), plus(mixed.Value, m.Value)
		}
	}
	d.out.Mixed = mixed
	for i := range d.old.Products {
		p := &d.old.Products[i]
		if _, gone := was[rowKey{product: p.ID}]; gone && !p.Paid.Cumulative.zero() && !d.restart {
			d.holes = true
			d.find(CodeProductVanished, p.ID)
		}
	}
}

// put adds the row when something moved. A key the older report lacks is
// unknown, unless it has counted nothing yet or counters began anew.
func (d *differ) put(to *[]ProductDelta, k rowKey, known bool, priceOld, priceNew Counter, o, n Total, value, count string) {
	if !n.Present {
		return
	}
	if known && !d.restart && o.Present && o.Cumulative == n.Cumulative {
		return // the most frequent case, and nothing to say
	}
	label := k.product
	if k.device != "" {
		label += " " + k.device + " " + k.list
	}
	if !d.restart && (!known || !o.Present) {
		if !n.Cumulative.zero() {
			d.holes = true
			d.find(CodeProductAppeared, label)
		}
		return
	}
	delta := d.both(value+" "+label, count+" "+label, o, n)
	if !delta.moved() {
		if o.Cumulative.Count.Known() && n.Cumulative.Count.Known() && !delta.Count.Known {
			d.holes = true // a counter fell: nobody knows what was sold of it
		}
		return
	}
	*to = append(*to, ProductDelta{Product: k.product, Device: k.device, List: k.list, Delta: delta,
		PriceOld: priceOld, PriceNew: priceNew})
}

// byList compares LA1's cumulative counts, where machines print them.
func (d *differ) byList() {
	seen, was := turns{}, map[rowKey]ListCount{}
	for _, l := range d.old.Lists {
		was[seen.next(rowKey{l.Product, "", l.List, 0})] = l
	}
	seen = turns{}
	for _, l := range d.new.Lists {
		old := was[seen.next(rowKey{l.Product, "", l.List, 0})]
		c := d.one("LA105 "+l.Product+" "+l.List, old.Cumulative, l.Cumulative, old.Interval, l.Interval)
		if c.Known && c.N != 0 {
			d.out.ByList = append(d.out.ByList, ListDelta{Product: l.Product, List: l.List, Count: c.N})
		}
	}
}

func plus(a, b Change) Change {
	if !a.Known {
		return b
	}
	if !b.Known {
		return a
	}
	return Change{N: a.N + b.N, Known: true}
}

// balance is evadts 6.4: what no product claims, and whether the payment kinds
// make up the total.
func (d *differ) balance() {
	var products, money Delta
	counts, values := !d.holes, !d.holes
	products.Count, products.Value = Change{Known: true}, Change{Known: true}
	for _, p := range d.out.ByProduct {
		counts, values = counts && p.Count.Known, values && p.Value.Known
		products.Count.N += p.Count.N
		products.Value.N += p.Value.N
	}
	if d.rowsCount() && d.out.Mixed.Count.Known {
		products.Count.N -= d.out.Mixed.Count.N // counted once under CA and once under DA
	}
	t := d.out.Total
	if t.Count.Known && counts {
		d.out.Unattributed.Count = Change{N: t.Count.N - products.Count.N, Known: true}
	}
	if t.Value.Known && values {
		d.out.Unattributed.Value = Change{N: t.Value.N - products.Value.N, Known: true}
	}
	if d.out.Unattributed.Count.N < 0 || d.out.Unattributed.Value.N < 0 {
		d.find(CodeProductsExceed, "")
	}
	counts, values = t.Count.Known, t.Value.Known
	if _, cash := d.out.ByDevice["CA"]; !cash {
		return
	}
	for _, k := range d.out.ByDevice {
		counts, values = counts && k.Count.Known, values && k.Value.Known
		money.Count.N += k.Count.N
		money.Value.N += k.Value.N
	}
	if counts && money.Count.N-d.out.Mixed.Count.N != t.Count.N {
		d.find(CodeKindsDiffer, "VA102")
	}
	if values && money.Value.N != t.Value.N {
		d.find(CodeKindsDiffer, "VA101")
	}
}
