// Package conformance is the suite every register driver passes. It drives a
// driver as the till does, against a register emulator that counts documents,
// and breaks what lies between: answers are cut at every byte, lost, repeated,
// delayed and damaged at every step, requests are lost and cut, commands execute
// late, power fails inside a document, paper ends, other hosts make documents of
// their own, the hub dies at any byte and at any step of its own and goes on
// from what it had stored.
//
// After each such schedule the emulator's archive decides: exactly one document
// for the job, with the requisites that were asked for, nobody's document taken
// for ours, and the record the hub would keep equal to the document.
//
// A driver joins by a Subject: how its emulator is started, where it listens,
// and which faults of the common vocabulary it knows. Nothing here knows a
// protocol: links are broken at bytes and between writes, registers by the words
// of package faults.
package conformance
