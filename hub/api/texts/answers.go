package texts

const (
	nothingRU = "Ничего не нужно"
	nothingEN = "Nothing to do"
	reportRU  = "Передайте запись разработчику"
	reportEN  = "Pass the record to the developers"
)

// answers are codes of the API's problems.
var answers = []entry{
	{"not_found", "Этого нет", "There is no such thing", "Проверьте номер; чужое здесь не видно", "Check the id; what belongs to another operator is not visible here"},
	{"no_such_path", "Такого адреса нет", "There is no such path", "Посмотрите /openapi.yaml", "See /openapi.yaml"},
	{"exists", "Такой уже есть", "It exists already", "Возьмите другое имя или измените существующий", "Take another name or change the one there is"},
	{"nobody_to_ask", "В автомате нет агента", "No agent is in the machine", "Привяжите агент к автомату", "Bind an agent to the machine"},
	{"bad_cursor", "Курсор не от этого списка", "The cursor is none of this list", "Передайте next прежнего ответа без изменений", "Pass next of the answer before, unchanged"},
	{"moved_on", "Документ уже в другом состоянии", "The job is in another state by now", "Посмотрите его снова", "Look at it again"},
	{"may_exist", "Возможно, чек уже сделан", "The document may have been made already", "Проверьте в кассе: привяжите найденный документ или подтвердите, что его нет", "Look at the register: bind the document found, or say that there is none"},
	{"no_receipt_of_sale", "Этот документ — не чек продажи", "This document is no receipt of a sale", "Выберите чек прихода", "Choose a receipt of a sale"},
	{"refunded_already", "По этому чеку уже есть возврат или исправление", "The receipt has been taken back or repaired already", "Посмотрите продажу: возврат стоит рядом с чеком", "Look at the sale: the refund stands beside the receipt"},
	{"has_receipt", "У продажи есть чек или он может быть", "The sale has a receipt, or may have one", "Верните или исправьте тот чек; если его исход неизвестен, сначала решите это", "Refund or repair that receipt; settle it first when its outcome is unknown"},
	{"nothing_wrong", "По нынешнему каталогу чек верен", "By the catalogue as it stands the receipt is right", "Сначала исправьте каталог с датой до продажи", "Put the catalogue right first, from a date before the sale"},
	{"no_sale", "Эта запись — не продажа", "This record is no sale", "Выберите продажу", "Choose a sale"},
	{"order_number", "По предписанию нужен его номер", "By order of the tax office its number is needed", "Укажите номер предписания (1179)", "Give the order's number (1179)"},
	{"not_settling", "Исход этого документа не выясняется", "Nothing of this job is being settled", "Посмотрите его состояние", "Look at its state"},
	{"advance_needs_reader", "Аванс — только у ридера, чеки которого делаем мы", "Advances are of a reader whose receipts we make", "Уберите признак или выберите reader1, reader2 и who=us", "Take the flag away, or choose reader1, reader2 and who=us"},
	{"document_differs", "Сумма или вид документа другие", "The document has another sum or kind", "Выберите другой документ", "Choose another document"},
	{"not_held", "Запись не ждёт решения", "The record does not wait for a decision", "Посмотрите её снова: решение могло быть принято", "Look at it again: it may have been decided"},
	{"still_refused", "Сообщение всё ещё не принимается", "The message can still not be taken in", "Обновите хаб или отложите сообщение", "Update the hub or put the message aside"},
	{"too_slow", "Хаб не успел ответить", "The hub was too slow", "Повторите; если не проходит, проверьте диск", "Try again; if it stays, check the disk"},
	{"internal", "Ошибка хаба", "An error of the hub", "Повторите; причина в журнале хаба", "Try again; the cause is in the hub's log"},
	{"unauthorized", "Нужен действующий токен", "A valid token is needed", "Передайте Authorization: Bearer …; первый токен лежит в файле token папки данных", "Send Authorization: Bearer …; the first token is in the file token of the data folder"},
	{"installation_only", "Это может только токен установки", "Only the installation's token may do this", "Возьмите токен из файла token папки данных", "Take the token in the file token of the data folder"},
	{"cross_origin", "Запрос пришёл с чужой страницы", "The request came from a foreign page", "Откройте страницу хаба", "Open the hub's own page"},
	{"not_json", "Тело должно быть application/json", "The body must be application/json", "Задайте Content-Type: application/json", "Set Content-Type: application/json"},
	{"bad_json", "Тело не читается как JSON", "The body is no JSON", "Исправьте тело запроса", "Correct the body"},
	{"too_large", "Тело больше 4 МиБ", "The body is larger than 4 MiB", "Разделите запрос", "Split the request"},
	{"wrong_type", "Значение не того вида", "The value is of the wrong kind", "Сверьте поле с /openapi.yaml", "Compare the field with /openapi.yaml"},
	{"unknown_field", "Такого поля нет", "There is no such field", "Сверьте имя с /openapi.yaml", "Compare the name with /openapi.yaml"},
	{"unknown_reference", "Поле указывает на то, чего нет", "The field names something that is not there", "Возьмите номер из списка", "Take an id from the list"},
	{"operator_needed", "Не сказано, какой оператор", "The operator is not named", "Токен установки видит всех: назовите оператора в поле operator", "The installation's token sees all: name the operator in the field operator"},
	{"nothing_to_change", "Нечего менять", "There is nothing to change", "Передайте хотя бы одно поле", "Send at least one field"},
	{"required", "Поле не заполнено", "The field is empty", "Заполните поле", "Fill in the field"},
	{"length", "Длина вне пределов", "The length is out of limits", "Сократите текст", "Shorten the text"},
	{"bad_text", "В тексте управляющие знаки или пробелы по краям", "The text has control characters or spaces around it", "Уберите их", "Remove them"},
	{"not_printable", "В тексте знаки, которых нет в чеке", "The text has characters a receipt cannot hold", "Оставьте буквы кириллицы и латиницы, цифры и обычные знаки", "Use Cyrillic or Latin letters, digits and common signs"},
	{"bad_zone", "Такого часового пояса нет", "There is no such time zone", "Возьмите имя IANA: Europe/Moscow, Asia/Yekaterinburg", "Take an IANA name: Europe/Moscow, Asia/Yekaterinburg"},
	{"not_a_choice", "Такого варианта нет", "There is no such choice", "Возьмите один из перечисленных в /openapi.yaml", "Take one of those in /openapi.yaml"},
	{"out_of_range", "Число вне пределов", "The number is out of range", "Возьмите число в пределах /openapi.yaml", "Take a number within the limits of /openapi.yaml"},
	{"repeated", "Повторяется", "It is listed twice", "Оставьте одно", "Leave one"},
	{"too_many", "Слишком много строк", "There are too many rows", "Разделите запрос", "Split the request"},
	{"bad_id", "Номер: 1–40 знаков a-z, 0-9 и «-»", "An id has 1 to 40 of a-z, 0-9 and \"-\"", "Исправьте номер", "Correct the id"},
	{"bad_inn", "ИНН не из 10 или 12 цифр или контрольные цифры неверны", "The INN is not 10 or 12 digits, or its check digits are wrong", "Сверьте ИНН с карточкой предприятия", "Compare the INN with the company's papers"},
	{"bad_gtin", "Неверная длина или контрольная цифра GTIN", "The GTIN's length or check digit is wrong", "Сверьте штрихкод товара", "Compare it with the bar code"},
	{"bad_currency", "Код валюты: три цифры ISO 4217", "A currency is three digits of ISO 4217", "Для рубля 643", "643 for the rouble"},
	{"vat_not_for_system", "Ставка НДС не для этой системы налогообложения", "The VAT rate is not for this tax system", "5 и 7 % только при УСН, при патенте НДС нет", "5 and 7 % are for УСН only; ПСН has no VAT"},
	{"reason_needed", "Нужна причина, почему чек не нужен", "The reason why no receipt is due is needed", "Назовите основание в законе", "Name the ground in law"},
	{"bad_span", "Промежуток перевёрнут или слишком велик", "The span is reversed or too long", "Не больше 366 дней, по часам не больше 31", "At most 366 days, by hour at most 31"},
	{"no_qr", "У документа нет QR-кода", "The document has no QR code", "Отчёты о смене его не имеют", "Shift reports have none"},
	{"not_running", "Эта часть хаба не запущена", "This part of the hub does not run", "Посмотрите /health и журнал хаба", "See /health and the hub's log"},
	{"lane_disabled", "Линия выключена", "The lane is disabled", "Включите линию", "Enable the lane"},
}

// lanes are faults of lanes beside those of the drivers.
var lanes = []entry{
	{"lane_address_bad", "Адрес кассы не понят", "The register's address is not understood", "Например: shtrih+tcp://192.168.1.7:7778", "For instance: shtrih+tcp://192.168.1.7:7778"},
	{"lane_leased", "Линию держит другой хаб", "Another hub holds the lane", "Подождите окончания его аренды или остановите его", "Wait for its lease to end, or stop it"},
	{"lane_waits_siblings", "Ждём, пока осмотрены другие кассы продавца", "Other registers of the seller are being looked at first", "Включите их или выключите их линии", "Switch them on, or disable their lanes"},
	{"store_failed", "База данных не записывает", "The database cannot be written", "Освободите место на диске, проверьте диск", "Free disk space, check the disk"},
	{"lane_worker_failed", "Сбой программы при работе с кассой", "The program failed at work with the register", "Линия запустится сама. Передайте журнал хаба разработчику", "The lane starts again by itself. Pass the hub's log to the developers"},
	{"document_doubled", "На одну продажу два документа", "One job has two documents", "Линия остановлена. Сделайте возврат лишнего чека и передайте случай разработчику", "The lane is stopped. Refund the receipt too many and tell the developers"},
	{"document_mismatch", "Документ с ключом задания содержит другое", "A document with a job's key has another content", "Линия остановлена. Сверьте документ с продажей, сделайте коррекцию", "The lane is stopped. Compare the document with the sale, make a correction"},
	{"lane_ffd_mismatch", "Версия ФФД кассы не та, что у линии", "The register's FFD is not the lane's", "Исправьте ФФД линии или перерегистрируйте кассу", "Correct the lane's FFD or register the register anew"},
	{"second_hub", "С кассой одновременно работает другой хаб", "Another hub works with the register at the same time", "Линия остановлена. Выключите эту кассу в другом хабе, нажмите «Продолжить»", "The lane is stopped. Disable the register in the other hub, then let the lane go on"},
	{"shift_report_repeated", "Касса снова просит отчёт о смене, который уже сделан", "The register asks for a shift report that is done already", "Линия остановлена. Проверьте смену на кассе", "The lane is stopped. Check the shift at the register"},
}

// states are states of lanes, machines, jobs and what became of a picture.
var states = []entry{
	{"starting", "Запускается", "Starting", "Подождите", "Wait"},
	{"ok", "Работает", "Works", nothingRU, nothingEN},
	{"busy", "Касса занята или ждёт: бумага, крышка", "The register is busy or waits: paper, cover", "Если долго, посмотрите на кассу", "If it takes long, look at the register"},
	{"unreachable", "Касса не отвечает", "The register cannot be reached", "Проверьте питание, сеть и адрес кассы", "Check the register's power, network and address"},
	{"shift", "Открывается или закрывается смена", "The shift is being opened or closed", "Подождите; если не проходит, посмотрите на кассу", "Wait; if it stays, look at the register"},
	{"fn_life_over", "Фискальный накопитель пора заменить", "The fiscal storage is to be replaced", "Замените ФН и зарегистрируйте кассу", "Replace the FN and register the register"},
	{"config", "Нужно изменить настройку", "A setting must be changed", "Причина названа рядом", "The cause stands beside it"},
	{"ambiguous", "Неизвестно, сделан ли чек", "It is unknown whether a receipt was made", "Линия выясняет это сама; если долго, проверьте документы в кассе", "The lane finds out by itself; if it takes long, look at the register's documents"},
	{"manual", "Линия остановлена до решения человека", "The lane stands until a person decides", "Прочтите причину, исправьте, нажмите «Продолжить»", "Read the cause, mend it, let the lane go on"},
	{"disabled", "Выключена", "Disabled", "Включите, когда нужно", "Enable it when needed"},
	{"waiting", "Чек задерживается", "A receipt is late", "Посмотрите состояние кассы", "See how the register does"},
	{"held", "Ждёт решения человека", "Waits for a person", "Откройте список ожидающих", "Open the list of what is held"},
	{"silent", "Нет связи с автоматом", "No connection to the machine", "Проверьте связь и питание агента", "Check the agent's link and power"},
	{"stopped", "Автомат не продаёт", "The machine does not sell", "Причина названа рядом", "The cause stands beside it"},
	{"no_agent", "Агент не привязан", "No agent is bound", "Привяжите агента к автомату", "Bind an agent to the machine"},
	{"queued", "В очереди", "Queued", "Подождите", "Wait"},
	{"in_flight", "Печатается", "Being made", "Подождите", "Wait"},
	{"resolving", "Выясняется, сделан ли чек", "Being found out whether it was made", "Подождите", "Wait"},
	{"done", "Чек сделан", "The receipt is made", nothingRU, nothingEN},
	{"void", "Чек не нужен", "No receipt is due", nothingRU, nothingEN},
	{"shown", "Чек показан на экране", "The receipt was shown", nothingRU, nothingEN},
	{"late", "Чек пришёл, когда покупатель ушёл", "The receipt came when the buyer had gone", "Посмотрите, почему касса не успела", "See why the register was late"},
	{"display_unfit", "Экран мал: чек на нём показывать нельзя", "The display is too small to stand for the receipt", "Поставьте экран, на котором QR не меньше 20 × 20 мм", "Fit a display on which the QR is at least 20 × 20 mm"},
	{"superseded", "Экран занял следующий покупатель", "The next buyer took the screen", nothingRU, nothingEN},
}
