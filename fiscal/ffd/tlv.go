// Package ffd is the codec of fiscal documents in the FFD formats 1.05, 1.1
// and 1.2: TLV elements, the tag table and the composition of documents
// (order ED-7-20/662@ with its changes).
package ffd
