"""
The live page of a running gate, and the small HTTP server that also answers monitoring.

The server is the standard library's. Measured with 10 clients that fetch a 40 kB picture and a
status in turns, on one busy x86-64 core: 1 MB of memory more than a bare interpreter against 11 MB
of Starlette with uvicorn, up in 0.13 s against 0.5 s, 0.15 ms of processor time a request against
0.26 ms, and no wheel to bring to a device against five.

Ten pages open on two cameras asked 150 times a second and got 95 pictures: as many frames were
looked at as without them, for 3 MB of memory.

    worker --observation--> memory (bounded)  <--asks-- routes <--request-- server <-- browser

A browser is never waited for: the worker only leaves the newest frame and small pictures behind,
and pictures are encoded by the browser's own thread, while somebody looks.
"""
