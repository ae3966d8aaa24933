package faults

import (
	"encoding/json"
	"io"
	"net/http"
)

// Handle adds the control of faults to mux:
//
//	GET    /fault   what is armed
//	POST   /fault   JSON of Fault, or a JSON string as of --fault; inject arms it or lets it happen
//	DELETE /fault   disarms all
func (s *Set) Handle(mux *http.ServeMux, inject func(Fault) error) {
	list := func(w http.ResponseWriter) {
		w.Header().Set("Content-Type", "application/json; charset=utf-8")
		_ = json.NewEncoder(w).Encode(s.All())
	}
	mux.HandleFunc("GET /fault", func(w http.ResponseWriter, _ *http.Request) { list(w) })
	mux.HandleFunc("DELETE /fault", func(w http.ResponseWriter, _ *http.Request) {
		s.Clear()
		list(w)
	})
	mux.HandleFunc("POST /fault", func(w http.ResponseWriter, r *http.Request) {
		b, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 1<<16))
		var f Fault
		if err == nil {
			f, err = UnmarshalAny(b)
		}
		if err == nil {
			err = inject(f)
		}
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		list(w)
	})
}
