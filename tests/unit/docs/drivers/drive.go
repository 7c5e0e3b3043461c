// As drive.py says.
package main

import (
	"bufio"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"os"
	"strings"

	"drive/webhook"
)

func main() {
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		fields := strings.Split(lines.Text(), "\t")
		header := http.Header{}
		for _, each := range strings.Split(string(decoded(fields[1])), "\n") {
			if name, value, found := strings.Cut(each, ": "); found {
				header.Set(name, value)
			}
		}
		err := webhook.Verify(string(decoded(fields[0])), header, decoded(fields[2]))
		switch {
		case err == nil:
			fmt.Println("verified")
		case errors.Is(err, webhook.ErrNotVerified):
			fmt.Println("refused")
		default:
			fmt.Println("unusable")
		}
	}
}

func decoded(text string) []byte {
	bytes, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		panic(err)
	}
	return bytes
}
