package drill

import (
	"context"
	"fmt"
	"net/http"

	"github.com/chekomat/chekomat/hub/api/client"
	"github.com/chekomat/chekomat/hub/api/contract"
)

func (s *site) machine(ctx context.Context, serial string) (contract.Machine, error) {
	var found contract.Machine
	err := client.Pages(ctx, s.en, "/api/v1/machines?limit=500", func(m contract.Machine) bool {
		if m.Serial == serial {
			found = m
		}
		return true
	})
	if err == nil && found.ID == "" {
		err = fmt.Errorf("no machine %s", serial)
	}
	return found, err
}

// stopRule lets a machine stop selling after so many minutes without receipts.
func (s *site) stopRule(ctx context.Context, machine, minutes int) error {
	m, err := s.machine(ctx, s.Kiosks[machine].Serial)
	if err != nil {
		return err
	}
	return s.en.Put(ctx, "/api/v1/machines/"+m.ID+"/rule", contract.MachineRule{StopAfterMin: minutes, ShowSec: 5, Lang: "ru"}, nil)
}

// stillSells waits until a machine's display does not say that it is out of service.
func (s *site) stillSells(ctx context.Context, machine int) error {
	k := s.Kiosks[machine]
	return until(ctx, k.Serial+" sells", soon, func(ctx context.Context) (string, bool) {
		var now screen
		err := call(ctx, http.MethodGet, k.URL+"screen.json", nil, &now)
		return now.String(), err == nil && now.State != "out_of_service"
	})
}
