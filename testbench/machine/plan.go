package machine

import (
	"encoding/json"
	"fmt"
	"os"
)

// DefaultPlan is what the machines of a demo sell.
func DefaultPlan() []Column {
	return []Column{
		{1, "Вода питьевая 0,5 л", 5000},
		{2, "Кофе капучино", 9000},
		{3, "Чай чёрный с лимоном", 6000},
		{4, "Шоколад горячий", 8500},
		{5, "Батончик ореховый", 7000},
		{6, "Печенье овсяное", 4500},
		{7, "Сок яблочный 0,2 л", 5500},
		{8, "Орешки солёные", 11000},
	}
}

// ReadPlan reads columns from a JSON file.
func ReadPlan(path string) ([]Column, error) {
	raw, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("plan: %w", err)
	}
	var columns []Column
	if err := json.Unmarshal(raw, &columns); err != nil {
		return nil, fmt.Errorf("plan %s: %w", path, err)
	}
	if len(columns) == 0 {
		return nil, fmt.Errorf("plan %s: no columns", path)
	}
	for _, c := range columns {
		if c.Column < 1 || c.Column > 0xFFFE || c.Price <= 0 || c.Price > 65500 || c.Price%100 != 0 {
			return nil, fmt.Errorf("plan %s: column %d at %d kopecks: want a column of 1 to 65534 and a price in whole roubles up to 655", path, c.Column, c.Price)
		}
	}
	return columns, nil
}
