// franz-go and net/http: what a team would write in Go. See ../__init__.py for what every peer does.
package main

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net/http"
	"os"
	"os/signal"
	"strconv"
	"sync"
	"syscall"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

const (
	atOnce = 64
	batch  = 500
)

type event struct {
	ID     string          `json:"id"`
	Type   string          `json:"type"`
	Tenant string          `json:"tenant"`
	Data   json.RawMessage `json:"data"`
}

type rendered struct {
	Type      string          `json:"type"`
	Timestamp string          `json:"timestamp"`
	Data      json.RawMessage `json:"data"`
}

type webhook struct {
	url    string
	secret []byte
}

type webhooks map[string]map[string][]webhook

func load(path string) (webhooks, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var read map[string]map[string][][2]string
	if err := json.Unmarshal(text, &read); err != nil {
		return nil, err
	}
	found := webhooks{}
	for tenant, types := range read {
		found[tenant] = map[string][]webhook{}
		for kind, pairs := range types {
			for _, pair := range pairs {
				secret, err := base64.StdEncoding.DecodeString(pair[1])
				if err != nil {
					return nil, err
				}
				found[tenant][kind] = append(found[tenant][kind], webhook{pair[0], secret})
			}
		}
	}
	return found, nil
}

func sign(secret []byte, id, seconds string, body []byte) string {
	mac := hmac.New(sha256.New, secret)
	mac.Write([]byte(id + "." + seconds + "."))
	mac.Write(body)
	return "v1," + base64.StdEncoding.EncodeToString(mac.Sum(nil))
}

func post(client *http.Client, to webhook, id string, now time.Time, body []byte) error {
	request, err := http.NewRequest(http.MethodPost, to.url, bytes.NewReader(body))
	if err != nil {
		return err
	}
	seconds := strconv.FormatInt(now.Unix(), 10)
	request.Header.Set("content-type", "application/json")
	request.Header.Set("webhook-id", id)
	request.Header.Set("webhook-timestamp", seconds)
	request.Header.Set("webhook-signature", sign(to.secret, id, seconds, body))
	answer, err := client.Do(request)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	if _, err := io.Copy(io.Discard, answer.Body); err != nil {
		return err
	}
	if answer.StatusCode/100 != 2 {
		return fmt.Errorf("%s answered %d", to.url, answer.StatusCode)
	}
	return nil
}

func deliver(client *http.Client, known webhooks, value []byte) error {
	var met event
	if err := json.Unmarshal(value, &met); err != nil {
		return err
	}
	found := known[met.Tenant][met.Type]
	if len(found) == 0 {
		return nil
	}
	now := time.Now()
	body, err := json.Marshal(rendered{met.Type, now.UTC().Format("2006-01-02T15:04:05Z"), met.Data})
	if err != nil {
		return err
	}
	for _, to := range found {
		if err := post(client, to, met.ID, now, body); err != nil {
			return err
		}
	}
	return nil
}

func run(ctx context.Context) error {
	known, err := load(os.Getenv("PEER_WEBHOOKS"))
	if err != nil {
		return err
	}
	kafka, err := kgo.NewClient(
		kgo.SeedBrokers(os.Getenv("PEER_BOOTSTRAP")),
		kgo.ConsumerGroup(os.Getenv("PEER_GROUP")),
		kgo.ConsumeTopics(os.Getenv("PEER_TOPIC")),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()),
		kgo.DisableAutoCommit(),
	)
	if err != nil {
		return err
	}
	defer kafka.Close()
	client := &http.Client{
		Timeout:   10 * time.Second,
		Transport: &http.Transport{MaxIdleConns: atOnce, MaxIdleConnsPerHost: atOnce},
	}
	for ctx.Err() == nil {
		fetched := kafka.PollRecords(ctx, batch)
		if ctx.Err() != nil {
			return nil
		}
		if errs := fetched.Errors(); len(errs) > 0 {
			return errs[0].Err
		}
		records := fetched.Records()
		work := make(chan []byte)
		failed := make(chan error, atOnce)
		var group sync.WaitGroup
		for range min(atOnce, len(records)) {
			group.Add(1)
			go func() {
				defer group.Done()
				for value := range work {
					if err := deliver(client, known, value); err != nil {
						select {
						case failed <- err:
						default:
						}
					}
				}
			}()
		}
		for _, record := range records {
			work <- record.Value
		}
		close(work)
		group.Wait()
		select {
		case err := <-failed:
			return err
		default:
		}
		if err := kafka.CommitRecords(ctx, records...); err != nil && ctx.Err() == nil {
			return err
		}
	}
	return nil
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	if err := run(ctx); err != nil {
		log.Fatal(err)
	}
}
