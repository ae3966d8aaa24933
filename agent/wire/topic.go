package wire

import (
	"fmt"
	"strings"
)

// Directions and names of topics: chekomat/v1/{operator}/{agent}/{up|down}/{name}.
const (
	root = "chekomat/v1"

	UpHello  = "up/hello"
	UpRecord = "up/record"
	UpState  = "up/state"
	UpTrace  = "up/trace"

	DownAck     = "down/ack"
	DownReceipt = "down/receipt"
	DownConfig  = "down/config"
	DownCommand = "down/command"
)

// Topic of one agent; name is one of the Up and Down constants.
func Topic(operator, agent, name string) string {
	return root + "/" + operator + "/" + agent + "/" + name
}

// ParseTopic splits a topic into its operator, agent and name ("up/record").
func ParseTopic(topic string) (operator, agent, name string, err error) {
	p := strings.Split(topic, "/")
	if len(p) != 6 || p[0]+"/"+p[1] != root || !ValidID(p[2]) || !ValidID(p[3]) {
		return "", "", "", fmt.Errorf("wire: topic %q is not %s/{operator}/{agent}/{up|down}/{name}", topic, root)
	}
	return p[2], p[3], p[4] + "/" + p[5], nil
}

// ValidID reports whether an operator's or agent's id may stand in a topic:
// 1 to 40 of a-z, 0-9 and "-".
func ValidID(id string) bool {
	if len(id) == 0 || len(id) > 40 {
		return false
	}
	for _, c := range []byte(id) {
		if (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-' {
			return false
		}
	}
	return true
}

// Username of an agent at the broker.
func Username(operator, agent string) string { return operator + "/" + agent }
