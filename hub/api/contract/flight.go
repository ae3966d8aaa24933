package contract

import "time"

// Flight is a trace of a machine's bus, from its agent's flight recorder.
type Flight struct {
	ID       int64     `json:"id"`
	Machine  string    `json:"machine"`
	Agent    string    `json:"agent"`
	Name     string    `json:"name"`
	Wall     time.Time `json:"written_at"` // by the agent's clock
	Received time.Time `json:"received_at"`
	Bytes    int64     `json:"bytes"` // of the text
}

// FlightRequest asks an agent for traces: one of the three.
type FlightRequest struct {
	LastS int    `json:"last_s,omitempty"` // what was heard in the last seconds
	Saved int    `json:"saved,omitempty"`  // so many of the newest files
	Name  string `json:"name,omitempty"`   // a file
}

// FlightAsked is a request under way, or what became of it.
type FlightAsked struct {
	ID      string    `json:"id"`
	Agent   string    `json:"agent"`
	Asked   time.Time `json:"asked_at"`
	Expires time.Time `json:"expires_at"`
	State   string    `json:"state"` // asked, done, failed, expired
	Detail  string    `json:"detail,omitempty"`
}

// FlightList is what a machine's recorder has sent, newest first, and what it
// was asked for lately.
type FlightList struct {
	Items []Flight      `json:"items"`
	Asked []FlightAsked `json:"asked"`
}
