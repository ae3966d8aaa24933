package api

import "net/http"

// routes are the operations of openapi.yaml; a test holds the two together.
func (s *Server) routes() []route {
	const created, gone = http.StatusCreated, http.StatusNoContent
	return []route{
		{pattern: "GET /api/v1/session", do: s.getSession},
		{pattern: "POST /api/v1/session", do: s.createSession, open: true},
		{pattern: "DELETE /api/v1/session", do: s.deleteSession, status: gone},
		{pattern: "GET /api/v1/tokens", do: s.listTokens},
		{pattern: "POST /api/v1/tokens", do: s.createToken, status: created},
		{pattern: "DELETE /api/v1/tokens/{token}", do: s.revokeToken, status: gone},

		{pattern: "GET /api/v1/operators", do: s.listOperators},
		{pattern: "POST /api/v1/operators", do: s.createOperator, status: created},
		{pattern: "GET /api/v1/operators/{operator}", do: s.getOperator},
		{pattern: "PATCH /api/v1/operators/{operator}", do: s.updateOperator},
		{pattern: "GET /api/v1/sellers", do: s.listSellers},
		{pattern: "POST /api/v1/sellers", do: s.createSeller, status: created},
		{pattern: "GET /api/v1/sellers/{seller}", do: s.getSeller},
		{pattern: "PATCH /api/v1/sellers/{seller}", do: s.updateSeller},
		{pattern: "POST /api/v1/sellers/{seller}/tax", do: s.setSellerTax},

		{pattern: "GET /api/v1/machines", do: s.listMachines},
		{pattern: "POST /api/v1/machines", do: s.createMachine, status: created},
		{pattern: "GET /api/v1/machines/{machine}", do: s.getMachine},
		{pattern: "POST /api/v1/machines/{machine}/periods", do: s.setMachinePeriod},
		{pattern: "PUT /api/v1/machines/{machine}/rule", do: s.setMachineRule},
		{pattern: "PUT /api/v1/machines/{machine}/fiscalizers", do: s.setFiscalizers},
		{pattern: "GET /api/v1/machines/{machine}/columns", do: s.getColumns},
		{pattern: "PUT /api/v1/machines/{machine}/columns", do: s.setColumns},
		{pattern: "GET /api/v1/machines/{machine}/takings", do: s.getMachineTakings},
		{pattern: "GET /api/v1/machines/{machine}/flights", do: s.listFlights},
		{pattern: "POST /api/v1/machines/{machine}/flights", do: s.askFlight, status: http.StatusAccepted},
		{pattern: "GET /api/v1/flights/{flight}", do: s.getFlight},

		{pattern: "GET /api/v1/machines/{machine}/audits", do: s.listAudits},
		{pattern: "GET /api/v1/reconciliations", do: s.listReconciliations},
		{pattern: "GET /api/v1/ledger/shifts", do: s.listLedgerShifts},
		{pattern: "GET /api/v1/ledger/days", do: s.listLedgerDays},

		{pattern: "GET /api/v1/agents", do: s.listAgents},
		{pattern: "POST /api/v1/agents", do: s.createAgent, status: created},
		{pattern: "GET /api/v1/operators/{operator}/agents/{agent}", do: s.getAgent},
		{pattern: "DELETE /api/v1/operators/{operator}/agents/{agent}", do: s.revokeAgent, status: gone},
		{pattern: "POST /api/v1/operators/{operator}/agents/{agent}/secret", do: s.renewAgentSecret},
		{pattern: "PUT /api/v1/operators/{operator}/agents/{agent}/binding", do: s.bindAgent},

		{pattern: "GET /api/v1/lanes", do: s.listLanes},
		{pattern: "POST /api/v1/lanes", do: s.createLane, status: created},
		{pattern: "GET /api/v1/lanes/{lane}", do: s.getLane},
		{pattern: "PATCH /api/v1/lanes/{lane}", do: s.updateLane},
		{pattern: "GET /api/v1/lanes/{lane}/readings", do: s.listReadings},
		{pattern: "POST /api/v1/lanes/{lane}/test", do: s.testLane},
		{pattern: "POST /api/v1/lanes/{lane}/resume", do: s.resumeLane},
		{pattern: "POST /api/v1/lanes/{lane}/shift/open", do: s.openShift},
		{pattern: "POST /api/v1/lanes/{lane}/shift/close", do: s.closeShift},
		{pattern: "GET /api/v1/lanes/{lane}/documents/{fd}", do: s.findDocument},

		{pattern: "GET /api/v1/sales", do: s.listSales},
		{pattern: "GET /api/v1/sales/{record}", do: s.getSale},
		{pattern: "POST /api/v1/sales/{record}/correct", do: s.correctSale},
		{pattern: "GET /api/v1/held", do: s.listHeld},
		{pattern: "POST /api/v1/held/retry", do: s.retryHeld},
		{pattern: "POST /api/v1/held/{record}/retry", do: s.retryRecord},
		{pattern: "POST /api/v1/held/{record}/promote", do: s.promoteRecord},
		{pattern: "POST /api/v1/held/{record}/drop", do: s.dropRecord},

		{pattern: "GET /api/v1/jobs", do: s.listJobs},
		{pattern: "GET /api/v1/jobs/{job}", do: s.getJob},
		{pattern: "POST /api/v1/jobs/{job}/retry", do: s.retryJob},
		{pattern: "POST /api/v1/jobs/{job}/drop", do: s.dropJob},
		{pattern: "POST /api/v1/jobs/{job}/bind", do: s.bindJob},
		{pattern: "POST /api/v1/jobs/{job}/settle", do: s.settleJob},
		{pattern: "POST /api/v1/jobs/{job}/not-made", do: s.notMadeJob},
		{pattern: "POST /api/v1/jobs/{job}/made", do: s.madeJob},

		{pattern: "GET /api/v1/receipts", do: s.listReceipts},
		{pattern: "GET /api/v1/receipts/{fn}/{fd}", do: s.getReceipt},
		{pattern: "POST /api/v1/receipts/{fn}/{fd}/refund", do: s.refundReceipt},
		{pattern: "POST /api/v1/receipts/{fn}/{fd}/repair", do: s.repairReceipt},
		{pattern: "GET /api/v1/receipts/{fn}/{fd}/qr.png", do: s.getReceiptQR},

		{pattern: "GET /api/v1/quarantine", do: s.listQuarantine},
		{pattern: "GET /api/v1/quarantine/{item}", do: s.getQuarantine},
		{pattern: "POST /api/v1/quarantine/{item}/retake", do: s.retakeQuarantine},
		{pattern: "POST /api/v1/quarantine/{item}/aside", do: s.asideQuarantine},
		{pattern: "GET /api/v1/incidents", do: s.listIncidents},
		{pattern: "POST /api/v1/incidents/{incident}/close", do: s.closeIncident},

		{pattern: "GET /api/v1/summary", do: s.getSummary},
		{pattern: "GET /api/v1/takings", do: s.getTakings},
		{pattern: "GET /api/v1/live", do: s.getLive},
		{pattern: "GET /api/v1/texts", do: s.getTexts, open: true},
	}
}
