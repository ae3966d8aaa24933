package config

// Example is a commented file in a language ("ru" or "en").
func Example(lang string) string {
	if lang == "en" {
		return exampleEN
	}
	return exampleRU
}

const exampleRU = `# Настройки агента. Всё остальное (цены, названия, кто продаёт) принадлежит
# хабу и приходит от него. Переменные окружения CHEKOMAT_AGENT_… сильнее файла,
# ключи командной строки сильнее переменных: agent run --help.

# Кто мы для хаба. Секрет хаб показывает один раз, при создании агента.
operator: romashka
agent: a-0017
secret_file: /etc/chekomat/agent.secret

hub:
  url: mqtts://hub.example.ru:8883   # mqtt:// — без TLS, только в своей сети
  ca: /etc/chekomat/hub-ca.pem       # нет строки — доверяем корням системы
  state_sec: 30                      # как часто рассказывать о себе

bus:
  # Модуль на шине:     chekomat:///dev/ttyACM0   или   chekomat+tcp://10.0.0.5:7000
  # Запись, для пробы:  file:///path/file.words.csv?speed=real   (max — как можно быстрее)
  # Что подключено:     agent module scan
  url: chekomat:///dev/ttyACM0
  # role: [reader2, gateway]   # модуль отвечает автомату сам: второй терминал (ему
  #                            # автомат говорит о продажах за наличные) и шлюз связи
  # protocol: exe          # шина Executive вместо MDB; чего она не говорит, надо сказать здесь:
  # exe:
  #   mode: price_holding  # цены у монетника (берём из плана хаба); price_display — у автомата
  #   payment: cash        # чем платят: cash, cashless; by_hint — угадывать по кредиту.
  #                        # Без этого продажа ждёт решения человека: платёж не назван
  # assume_currency: RUB   # считать все суммы рублями, что бы ни говорила шина
  # assume_scale: 100      # множитель, если настройки устройств не были услышаны:
  # assume_decimals: 2     # сумма = число с шины × множитель / 10^знаки

# Экраны; можно несколько. Меньше 160 точек по короткой стороне QR-код чека
# показать нельзя: такой экран — только табло состояния.
panel:
  - url: kiosk://127.0.0.1:8081/     # страница для браузера
    width: 800
    height: 480
    width_mm: 154                    # видимая ширина: по ней считается размер QR-кода

# Счётчики самого автомата (порт аудита, EVA-DTS): хаб сверяет с ними услышанное.
# audit:
#   port: /dev/ttyUSB1   # или tcp://адрес:порт
#   protocol: dex        # или ddcmp
#   every: 24h           # или  at: "04:10"  по времени автомата
#   mode: withhold       # не обнуляет счётчики инкассатора; save — попросить автомат сохранить их

# Самописец: последние слова шины. Вокруг каждого происшествия и спорной продажи
# пишет файл data/flight/*.trace; хаб может его забрать. Показаны умолчания.
# flight:
#   words: 65536       # в памяти, по 8 байт
#   files: 64          # на диске не больше
#   megabytes: 8

data: /var/lib/chekomat-agent        # журнал; не чистить: в нём недоставленные продажи
lang: ru                             # язык экрана, пока хаб не сказал своего
log: info
`

const exampleEN = `# The agent's settings. All else (prices, names, who sells) belongs to the hub
# and comes from it. Environment variables CHEKOMAT_AGENT_… win over the file,
# flags win over them: agent run --help.

# Who we are to the hub. It shows the secret once, when the agent is made.
operator: romashka
agent: a-0017
secret_file: /etc/chekomat/agent.secret

hub:
  url: mqtts://hub.example.ru:8883   # mqtt:// is without TLS: in your own network only
  ca: /etc/chekomat/hub-ca.pem       # without it the system's roots are trusted
  state_sec: 30                      # how often to tell of itself

bus:
  # A module on the bus:   chekomat:///dev/ttyACM0   or   chekomat+tcp://10.0.0.5:7000
  # A capture, for trying: file:///path/file.words.csv?speed=real   (max: as fast as possible)
  # What is plugged in:    agent module scan
  url: chekomat:///dev/ttyACM0
  # role: [reader2, gateway]   # the module answers the machine: as a second reader (told
  #                            # of cash sales) and as communications gateway
  # protocol: exe          # an Executive bus instead of MDB; what it does not say has to be said here:
  # exe:
  #   mode: price_holding  # prices are the payment device's (taken from the hub's plan); price_display: the machine's
  #   payment: cash        # how it is paid: cash, cashless; by_hint goes by the credit shown.
  #                        # Without this a sale waits for a person: no payment is named
  # assume_currency: RUB   # take all amounts for roubles whatever the bus says
  # assume_scale: 100      # factor where the devices' set-up was not heard:
  # assume_decimals: 2     # sum = number on the bus × factor / 10^decimals

# Displays; several are possible. With less than 160 pixels on the short side a
# receipt's QR code can't be shown: such a panel tells the state only.
panel:
  - url: kiosk://127.0.0.1:8081/     # a page for a browser
    width: 800
    height: 480
    width_mm: 154                    # visible width: the QR's size is computed from it

# The machine's own counters (audit port, EVA-DTS): the hub compares what was heard with them.
# audit:
#   port: /dev/ttyUSB1   # or tcp://host:port
#   protocol: dex        # or ddcmp
#   every: 24h           # or  at: "04:10"  by the machine's time
#   mode: withhold       # clears no hand-held's counters; save: ask the machine to keep them

# The flight recorder: the last words of the bus. Around each incident and disputed
# sale it writes a file data/flight/*.trace, which the hub can fetch. Defaults:
# flight:
#   words: 65536       # in memory, 8 bytes each
#   files: 64          # on disk at most
#   megabytes: 8

data: /var/lib/chekomat-agent        # the journal; never clean it: undelivered sales are in it
lang: ru                             # language of the screen until the hub has said
log: info
`
