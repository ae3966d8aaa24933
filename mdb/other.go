package mdb

// parseOtherCommand reads commands of the devices beyond changer, validator and
// readers; nil means that no rule covers it.
func parseOtherCommand(d Device, c byte, p []byte) (CommandMessage, error) {
	if d == Gateway {
		return parseGatewayCommand(c, p)
	}
	return nil, nil
}

func parseOtherAnswer(dst []AnswerMessage, to, sub byte, p []byte) ([]AnswerMessage, error) {
	if DeviceOf(to) == Gateway {
		return parseGatewayAnswer(dst, to&7, sub, p)
	}
	return append(dst, UnknownAnswer{p}), nil
}
