package texts

// ledgers are words of the ledger: what is compared, with whom, and why a line
// is unknown.
var ledgers = []entry{
	{"counters_not_read", "Счётчики кассы за эту смену не прочитаны", "The register's counters of this shift were not read", "Прочитайте отчёт о закрытии смены в кассе", "Read the report on closing the shift at the register"},
	{"documents_missing", "Не все документы смены известны хабу", "The hub does not know all documents of the shift", "Найдите их в кассе по номерам: hub kkt find", "Find them at the register by number: hub kkt find"},
	{"documents_unread", "Документ смены касса не отдала", "The register did not give a document of the shift", "Посмотрите его в личном кабинете ОФД", "Look it up at the OFD"},
	{"shift_begun_unseen", "Смена открыта до того, как хаб увидел этот ФН", "The shift was opened before the hub looked at this FN", nothingRU, nothingEN},
	{"payment_form_unknown", "Форма оплаты чужого документа неизвестна", "The form of payment of a foreign document is not known", nothingRU, nothingEN},
	{"counters_of_another", "Прочитаны счётчики другой смены", "The counters read are of another shift", nothingRU, nothingEN},
	{"shift_agree", "Сходится", "Agrees", nothingRU, nothingEN},
	{"shift_differ", "Не сходится", "Differs", "Посмотрите строки с разницей", "See the lines with a difference"},
	{"shift_unknown", "Неизвестно, сходится ли", "It is not known whether it agrees", "Посмотрите, чего не хватает: причина стоит у строки", "See what is missing: each line says why"},
	{"documents", "Документы", "Documents", nothingRU, nothingEN},
	{"receipts", "Чеки", "Receipts", nothingRU, nothingEN},
	{"corrections", "Чеки коррекции", "Corrections", nothingRU, nothingEN},
	{"both", "Чеки и коррекции вместе", "Receipts and corrections together", nothingRU, nothingEN},
	{"count", "Количество", "Count", nothingRU, nothingEN},
	{"sum", "Сумма", "Sum", nothingRU, nothingEN},
	{"us", "Чеки делаем мы", "We make the receipts", nothingRU, nothingEN},
	{"terminal", "Чеки делает терминал", "The terminal makes the receipts", "Сверьте с отчётом сервиса терминала", "Compare with the report of the terminal's service"},
	{"nobody_said", "Не сказано, кто делает чеки", "Nobody has said who makes the receipts", "Задайте, кто делает чеки, и повторите отложенные", "Set who fiscalizes, then retry what is held"},

	{"watch_fn_ending", "Срок ключей ФН", "Life of the FN's keys", nothingRU, nothingEN},
	{"watch_fn_filling", "Место в архиве ФН", "Room in the FN's archive", nothingRU, nothingEN},
	{"watch_fn_memory_low", "Место для непереданных документов", "Room for documents that wait for the OFD", nothingRU, nothingEN},
	{"watch_documents_unsent", "Самый старый непереданный документ", "The oldest document without the OFD's confirmation", nothingRU, nothingEN},
	{"watch_ofd_silent", "Молчание ОФД", "Silence of the OFD", nothingRU, nothingEN},
	{"watch_shift_too_long", "Возраст смены", "Age of the shift", nothingRU, nothingEN},
	{"watch_marking_keys_old", "Ключи проверки кодов маркировки", "Keys for checking marking codes", nothingRU, nothingEN},
}
