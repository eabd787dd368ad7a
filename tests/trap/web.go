// A client and a server of net/http: web serve ADDRESS, or web get COUNT URL.
package main

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"strconv"
	"sync"
)

func main() {
	if os.Args[1] == "serve" {
		serve(os.Args[2])
		return
	}
	count, _ := strconv.Atoi(os.Args[2])
	get(count, os.Args[3])
}

func serve(address string) {
	http.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		fmt.Fprintf(w, "%s %s from %s", r.URL.Path, body, r.RemoteAddr)
	})
	check(http.ListenAndServe(address, nil))
}

// All at once; the first answer is printed, and how many came.
func get(count int, url string) {
	var group sync.WaitGroup
	answers := make(chan string, count)
	for i := 0; i < count; i++ {
		group.Add(1)
		go func() {
			defer group.Done()
			response, err := http.Get(url)
			check(err)
			body, err := io.ReadAll(response.Body)
			check(err)
			answers <- string(body)
		}()
	}
	group.Wait()
	fmt.Printf("%d %s\n", len(answers), <-answers)
}

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
