-- The server's time in epoch ms.

SELECT nq.clock()
