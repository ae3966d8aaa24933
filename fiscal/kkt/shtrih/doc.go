// Package shtrih drives registers that speak the Shtrih-M protocol
// ("Протокол ККТ" 1.17, 2.0) over TCP and serial ports, link layers V1 and V2.
//
// A receipt is 8Dh, FF46h for each item, FF0Ch for each requisite (the key in
// 1084, 1036, 1009, 1187), FF45h. Shifts are opened by E0h and closed by 41h.
// Ready, before each of them, is 10h, FF01h and FF40h. The connection stays
// open; it is dropped after an exchange that failed.
//
// The protocol has no idempotency: what became of a document whose answer was
// lost is decided by Settle. It opens a new connection, takes what answer is
// pending, waits until nothing runs and no document is open, and reads every
// document after the baseline, looking for the key. Error answers of FF45h that
// speak of paper, printer, power or the ФН prove nothing and are settled too.
//
// Three things no source proves, so they are settings, and receipts are read
// back (verify=): how 1036 reaches a receipt (tag1036=), the tax byte of FF46h,
// 22 % above all (vat=), and that 1009 and 1187 of the receipt win over the
// registration's, which must be empty. A difference gives a receipt that is
// made, with a fault verify_… that stops the lane.
package shtrih
