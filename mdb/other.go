package mdb

// parseOtherCommand reads commands of the devices beyond changer, validator and
// readers; nil means that no rule covers it.
func parseOtherCommand(d Device, c byte, p []byte) (CommandMessage, error) {
	switch d {
	case Gateway:
		return parseGatewayCommand(c, p)
	case AgeCheck:
		// Its commands are those of a reader (mdb 11).
		if c == 1 || c == cmdExpansion {
			return parseReaderCommand(c, p, Dialect{})
		}
	case USD1, USD2, USD3:
		return parseSatelliteCommand(c, p)
	case Hopper1, Hopper2:
		return parseHopperCommand(c, p)
	}
	return nil, nil
}

func parseOtherAnswer(dst []AnswerMessage, to, sub byte, p []byte) ([]AnswerMessage, error) {
	switch d := DeviceOf(to); d {
	case Gateway:
		return parseGatewayAnswer(dst, to&7, sub, p)
	case AgeCheck:
		return parseReaderAnswer(dst, d, p, Dialect{})
	case USD1, USD2, USD3:
		return parseSatelliteAnswer(dst, d, p)
	case Hopper1, Hopper2:
		return parseHopperAnswer(dst, d, to&7, sub, p)
	}
	return append(dst, UnknownAnswer{p}), nil
}
