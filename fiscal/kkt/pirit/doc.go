// Package pirit drives registers of Dreamkas: Пирит 2Ф, Пирит 2СФ and FM16
// (Viki Print, Viki Mini, Viki Tower), over TCP or a serial port.
//
// A receipt is 30h with 1009, 42h for each item, 44h, 47h for each payment and
// 31h with 1187, 1036 and the key in 1085/1086. Shifts are opened by 23h and
// closed by 21h. Ready is 00h and five questions to the ФН. ENQ tells a slow
// register from a dead one; nothing that was sent is ever sent again, except
// 31h to a document the ФН has closed and the register could not print.
//
// The protocol has no idempotency and keeps no answer: what became of a
// document whose answer was lost is decided by Settle. It opens a new
// connection, asks the status (commands run one after another, so its answer
// says that nothing of ours is left), finishes or annuls what is open, and
// reads every document after the baseline, looking for the key. What it has
// read stays when the link breaks; the next Settle goes on from there. Error
// answers of 31h that speak of paper, printer, restart or the ФН prove nothing
// and are settled too.
//
// The protocol does not tell whose document is open: one left open is annulled.
//
// What the vendor's manual leaves open is a setting: the tax numbers of 5, 7
// and 22 % (vat=), the model (model=), for 1036 and 1187 are not taken by FM16
// in FFD 1.05 and 1009 only in FFD 1.2 and by Пирит 2СФ. A receipt that cannot
// carry them is refused. Receipts are read back (verify=); a difference gives a
// receipt that is made, with a fault verify_… that stops the lane. Corrections
// and marked goods are refused: their commands are not sourced.
package pirit
