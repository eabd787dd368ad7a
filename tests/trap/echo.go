// Datagrams as Go programs send them: echo serve ADDRESS, or echo ask ADDRESS TEXT.
package main

import (
	"fmt"
	"net"
	"os"
	"time"
)

func main() {
	if os.Args[1] == "serve" {
		serve(os.Args[2])
		return
	}
	ask(os.Args[2], os.Args[3])
}

func serve(address string) {
	socket, err := net.ListenPacket("udp", address)
	check(err)
	bytes := make([]byte, 65536)
	for {
		n, peer, err := socket.ReadFrom(bytes)
		check(err)
		_, err = socket.WriteTo(bytes[:n], peer)
		check(err)
	}
}

func ask(address, text string) {
	socket, err := net.Dial("udp", address)
	check(err)
	check(socket.SetDeadline(time.Now().Add(20 * time.Second)))
	_, err = socket.Write([]byte(text))
	check(err)
	bytes := make([]byte, 65536)
	n, err := socket.Read(bytes)
	check(err)
	fmt.Printf("%s from %s\n", bytes[:n], socket.RemoteAddr())
}

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
