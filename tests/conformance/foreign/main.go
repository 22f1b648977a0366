// Command conformance reads and writes the log's formats by libraries that share no code with us:
// golang.org/x/mod/sumdb (notes, trees) and github.com/transparency-dev/formats (ML-DSA, witnesses,
// tlog-proof). It judges what it is given on standard input and makes a log of its own, as JSON.
package main

import (
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"os"

	"github.com/transparency-dev/formats/log"
	fnote "github.com/transparency-dev/formats/note"
	"github.com/transparency-dev/formats/proof"
	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

type receipt struct {
	Receipt   []byte   // tlog-proof
	Body      []byte   // leaf body
	Origin    string   // log
	Classical string   // vkey of its Ed25519 key
	Others    []string // vkeys of its ML-DSA key and of witnesses; all must have signed
}

type growth struct {
	OldSize, NewSize int64
	OldRoot, NewRoot []byte
	Path             [][]byte
}

type input struct {
	Receipts []receipt
	Growths  []growth
	Origin   string   // name of the log to make
	Bodies   [][]byte // its leaves
}

type output struct {
	Receipts []string // why each was refused; empty if it was verified
	Growths  []string // likewise
	Made     made
}

type made struct {
	Keys     []string // vkeys of the log, Ed25519 and ML-DSA
	Witness  string   // vkey of an Ed25519 witness
	Receipts [][]byte // of each body, with the body inside
}

func main() {
	var in input
	if err := json.NewDecoder(os.Stdin).Decode(&in); err != nil {
		fail(err)
	}
	var out output
	for _, each := range in.Receipts {
		out.Receipts = append(out.Receipts, reason(verifyReceipt(each)))
	}
	for _, each := range in.Growths {
		out.Growths = append(out.Growths, reason(verifyGrowth(each)))
	}
	var err error
	if out.Made, err = makeLog(in.Origin, in.Bodies); err != nil {
		fail(err)
	}
	if err := json.NewEncoder(os.Stdout).Encode(out); err != nil {
		fail(err)
	}
}

func verifyReceipt(in receipt) error {
	var p proof.TLogProof
	if err := p.Unmarshal(in.Receipt); err != nil {
		return err
	}
	if p.ExtraData != nil && string(p.ExtraData) != string(in.Body) {
		return errors.New("extra data is not the body")
	}
	classical, err := note.NewVerifier(in.Classical)
	if err != nil {
		return err
	}
	var others []note.Verifier
	for _, vkey := range in.Others {
		other, err := fnote.NewVerifierForCosignatureV1(vkey)
		if err != nil {
			return err
		}
		others = append(others, other)
	}
	checkpoint, rest, n, err := log.ParseCheckpoint(p.Checkpoint, in.Origin, classical, others...)
	if err != nil {
		return err
	}
	if len(rest) > 0 || len(n.Sigs) != 1+len(others) {
		return fmt.Errorf("%d extension bytes, %d of %d signatures", len(rest), len(n.Sigs), 1+len(others))
	}
	var path tlog.RecordProof
	for _, hash := range p.Hashes {
		path = append(path, tlog.Hash(hash))
	}
	size, index := int64(checkpoint.Size), int64(p.Index)
	return tlog.CheckRecord(path, size, tlog.Hash(checkpoint.Hash), index, tlog.RecordHash(in.Body))
}

func verifyGrowth(in growth) error {
	var path tlog.TreeProof
	for _, hash := range in.Path {
		path = append(path, tlog.Hash(hash))
	}
	return tlog.CheckTree(path, in.NewSize, tlog.Hash(in.NewRoot), in.OldSize, tlog.Hash(in.OldRoot))
}

func makeLog(origin string, bodies [][]byte) (made, error) {
	var hashes []tlog.Hash
	reader := tlog.HashReaderFunc(func(indexes []int64) ([]tlog.Hash, error) {
		var found []tlog.Hash
		for _, index := range indexes {
			found = append(found, hashes[index])
		}
		return found, nil
	})
	for index, body := range bodies {
		more, err := tlog.StoredHashes(int64(index), body, reader)
		if err != nil {
			return made{}, err
		}
		hashes = append(hashes, more...)
	}
	size := int64(len(bodies))
	root, err := tlog.TreeHash(size, reader)
	if err != nil {
		return made{}, err
	}
	out, signers, err := makeKeys(origin)
	if err != nil {
		return made{}, err
	}
	text := string(log.Checkpoint{Origin: origin, Size: uint64(size), Hash: root[:]}.Marshal())
	sealed, err := note.Sign(&note.Note{Text: text}, signers...)
	if err != nil {
		return made{}, err
	}
	for index, body := range bodies {
		path, err := tlog.ProveRecord(size, int64(index), reader)
		if err != nil {
			return made{}, err
		}
		p := proof.TLogProof{Index: uint64(index), Checkpoint: sealed, ExtraData: body}
		for _, hash := range path {
			p.Hashes = append(p.Hashes, hash)
		}
		out.Receipts = append(out.Receipts, p.Marshal())
	}
	return out, nil
}

func makeKeys(origin string) (made, []note.Signer, error) {
	classicalKey, classicalVKey, err := note.GenerateKey(rand.Reader, origin)
	if err != nil {
		return made{}, nil, err
	}
	quantumKey, quantumVKey, err := fnote.GenerateMLDSAKey(origin)
	if err != nil {
		return made{}, nil, err
	}
	witnessKey, witnessVKey, err := note.GenerateKey(rand.Reader, "witness.example/w")
	if err != nil {
		return made{}, nil, err
	}
	if witnessVKey, err = fnote.VKeyToCosignatureV1(witnessVKey); err != nil {
		return made{}, nil, err
	}
	classical, err := note.NewSigner(classicalKey)
	if err != nil {
		return made{}, nil, err
	}
	quantum, err := fnote.NewSignerForCosignatureV1(quantumKey)
	if err != nil {
		return made{}, nil, err
	}
	witness, err := fnote.NewSignerForCosignatureV1(witnessKey)
	if err != nil {
		return made{}, nil, err
	}
	return made{Keys: []string{classicalVKey, quantumVKey}, Witness: witnessVKey},
		[]note.Signer{classical, quantum, witness}, nil
}

func reason(err error) string {
	if err != nil {
		return err.Error()
	}
	return ""
}

func fail(err error) {
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}
