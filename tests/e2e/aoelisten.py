"""aoelisten.py IFACE: print every Query Config answer that nobody asked for, an
advertisement, as it comes: "e0.0 SOURCE buffers sectors"."""

import socket
import struct
import sys

s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(0x88A2))
s.bind((sys.argv[1], 0x88A2))
print("listening", flush=True)
while True:
    frame = s.recv(16384)
    if len(frame) < 32 or not frame[14] & 8 or frame[19] != 1:
        continue
    shelf, slot, tag = struct.unpack("!HBxL", frame[16:24])
    buffers, sectors = struct.unpack("!HxxB", frame[24:29])
    if tag == 0:
        mac = ":".join("%02x" % b for b in frame[6:12])
        print("e%d.%d" % (shelf, slot), mac, buffers, sectors, flush=True)
