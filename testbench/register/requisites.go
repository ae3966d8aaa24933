package register

import (
	"bytes"

	"github.com/chekomat/chekomat/testbench/fn"
)

// requisite is what the register checks of a tag a host sends: its length
// limits, whether it is a text, and whether it may repeat (ffd.md §3, §4).
type requisite struct {
	min, max int
	text     bool
	repeats  bool
	nested   map[uint16]requisite
}

func str(max int) requisite   { return requisite{max: max, text: true} }
func exact(n int) requisite   { return requisite{min: n, max: n} }
func fixedS(n int) requisite  { return requisite{min: n, max: n, text: true} }
func vlnOf(max int) requisite { return requisite{max: max} }
func repeated(r requisite) requisite {
	r.repeats = true
	return r
}
func structure(max int, nested map[uint16]requisite) requisite {
	return requisite{max: max, nested: nested}
}

var industry = structure(317, map[uint16]requisite{1262: fixedS(3), 1263: fixedS(10), 1264: str(32), 1265: str(256)})

// receiptTags may come by FF0Ch into a receipt; everything the register or the
// ФН writes itself is refused.
var receiptTags = map[uint16]requisite{
	1005: str(256), 1008: str(64), 1009: str(256), 1016: fixedS(12), 1021: str(64), 1026: str(64), 1036: str(20), 1044: str(24),
	1057: exact(1), 1073: repeated(str(19)), 1074: repeated(str(19)), 1075: repeated(str(19)),
	1084: structure(320, map[uint16]requisite{1085: str(64), 1086: str(256)}),
	1108: exact(1), 1117: str(64), 1125: exact(1), 1171: repeated(str(19)), 1187: str(256), 1192: str(16), 1203: fixedS(12), 1208: str(256),
	1227: str(256), 1228: fixedS(12),
	1256: structure(1024, map[uint16]requisite{1227: str(256), 1228: fixedS(12), 1243: fixedS(10), 1244: fixedS(3), 1245: fixedS(2), 1246: str(64), 1254: str(256)}),
	1261: repeated(industry),
	1270: structure(144, map[uint16]requisite{1271: exact(1), 1272: str(64), 1273: exact(4)}),
}

// correctionTags are those of a receipt and the ground of the correction, in
// 1174 or by themselves.
var correctionTags = func() map[uint16]requisite {
	m := map[uint16]requisite{
		1173: exact(1), 1174: structure(292, map[uint16]requisite{1177: str(256), 1178: exact(4), 1179: str(32)}),
		1177: str(256), 1178: exact(4), 1179: str(32),
	}
	for tag, q := range receiptTags {
		m[tag] = q
	}
	return m
}()

// registrationTags may come into a registration report.
var registrationTags = map[uint16]requisite{
	1009: str(256), 1017: fixedS(12), 1021: str(64), 1036: str(20), 1046: str(256), 1048: str(256), 1057: exact(1), 1060: str(256), 1117: str(64),
	1126: exact(1), 1187: str(256), 1193: exact(1), 1203: fixedS(12), 1205: exact(4), 1207: exact(1), 1221: exact(1), 1274: str(32), 1275: vlnOf(32), 1290: exact(4),
}

// itemTags may come by FF4Dh. That 2000 may is an assumption: sources show full
// codes through FF61h and FF67h only.
var itemTags = map[uint16]requisite{
	2000: str(256), 2100: exact(1), 2102: exact(1), 1291: structure(64, map[uint16]requisite{1292: str(24), 1293: vlnOf(8), 1294: vlnOf(8)}),
	1162: vlnOf(32), 1191: str(64), 1197: str(16), 1198: vlnOf(6), 1222: exact(1),
	1223: structure(512, map[uint16]requisite{1005: str(256), 1016: fixedS(12), 1026: str(64), 1044: str(24), 1073: repeated(str(19)), 1074: repeated(str(19)), 1075: repeated(str(19))}),
	1224: structure(512, map[uint16]requisite{1171: repeated(str(19)), 1225: str(256)}),
	1226: fixedS(12), 1229: vlnOf(6), 1230: fixedS(3), 1231: str(32), 1260: repeated(industry), 2108: exact(1),
}

// shiftTags may come into a shift report.
var shiftTags = map[uint16]requisite{1021: str(64), 1203: fixedS(12), 1276: str(32), 1277: vlnOf(32), 1278: str(32), 1279: vlnOf(32)}

// checkTags checks a chain against the allowed tags and what was sent before.
// Every fault is 33h, as the vendor's issues show (kkt-shtrih.md §8).
func checkTags(chain, before []byte, allowed map[uint16]requisite) byte {
	seen := map[uint16]bool{}
	fn.Elements(before, func(tag uint16, _ []byte) bool { seen[tag] = true; return true })
	ok := true
	whole := fn.Elements(chain, func(tag uint16, v []byte) bool {
		q, known := allowed[tag]
		ok = known && len(v) >= q.min && len(v) <= q.max && (q.repeats || !seen[tag]) &&
			(!q.text || !badText(v)) && (q.nested == nil || checkTags(v, nil, q.nested) == errNone)
		seen[tag] = true
		return ok
	})
	if !ok || !whole {
		return errBadParameter
	}
	return errNone
}

// badText says that a text holds a line feed, which the ФЛК refuses.
func badText(b []byte) bool { return bytes.IndexByte(b, '\n') >= 0 }
