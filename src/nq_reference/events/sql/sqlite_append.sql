-- Keep an event. $1 flow, $2 event, $3 time in epoch ms.
INSERT INTO nq.step_event (flow, event, at) VALUES ($1, $2, $3)
