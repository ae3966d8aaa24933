// Package shtrih drives registers that speak the Shtrih-M protocol
// ("Протокол ККТ" 1.17, 2.0) over TCP and serial ports, link layers V1 and V2.
//
// A receipt is 8Dh, FF46h for each item, FF0Ch for each requisite (the key in
// 1084, 1036, 1009, 1187, the buyer), FF45h. A correction is FF35h, requisites,
// then FF46h and FF45h in FFD 1.1 and 1.2, FF4Ah in 1.05, which takes sums and no
// items. Shifts are opened by E0h and closed by 41h. Ready, before each of them,
// is 10h, FF01h and FF40h. The connection stays open; it is dropped after an
// exchange that failed.
//
// The protocol has no idempotency: what became of a document whose answer was
// lost is decided by Settle. It opens a new connection, takes what answer is
// pending, waits until nothing runs and no document is open, and reads every
// document after the baseline, looking for the key. Error answers of FF45h that
// speak of paper, printer, power or the ФН prove nothing and are settled too.
//
// What no source proves is a setting, and receipts are read back (verify=):
//
//   - tag1036=: 1036 by FF0Ch or through the embedded-device table;
//   - place=: 1009 and 1187 by FF0Ch, which wants them empty in the registration,
//     or the registration's own;
//   - key=: 1084 by FF0Ch or through the register's own tag 15000;
//   - vat=: the tax byte of FF46h, that of 22 % above all;
//   - correction=: 1178 and 1179 by themselves or inside 1174;
//   - mark=: marked goods in FFD 1.2, refused by default.
//
// A difference gives a receipt that is made, with a fault verify_… that stops
// the lane. Elements longer than 249 bytes, marking codes that must be checked
// (FF61h, FF67h) and rates of 2025 and 2026 in FF4Ah are refused by name.
//
// Link layer V1 has no numbers, and a NAK does not tell what it answers: after
// one that follows a command which changes anything, nothing is known of it.
package shtrih
