// The same operations on Go's page heap, for the tables of bench/run: the pattern of holes that
// Go's own test of returning memory on growth uses, and how its heap grows in small steps.
//
// usage: main holes | steps
package main

import (
	"bytes"
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
	"strconv"
)

const (
	totalBytes      = 32 << 20
	blockBytes      = 64 << 10
	hiddenBytes     = 512 << 10 // what one page cache may hold back
	stepsTotalBytes = 64 << 20
)

// Keeps what is allocated alive, and out of the stack.
var kept [][]byte

// What the kernel says is resident of this process.
func residentBytes() uint64 {
	text, err := os.ReadFile("/proc/self/smaps_rollup")
	if err != nil {
		panic(err)
	}
	_, after, found := bytes.Cut(text, []byte("\nRss:"))
	if !found {
		panic("no Rss in /proc/self/smaps_rollup")
	}
	kib, err := strconv.ParseUint(string(bytes.Fields(after)[0]), 10, 64)
	if err != nil {
		panic(err)
	}
	return kib << 10
}

func touched(nBytes int) []byte {
	block := make([]byte, nBytes)
	for at := 0; at < nBytes; at += os.Getpagesize() {
		block[at] = 1
	}
	return block
}

// 32 MiB of blocks of 64 KiB, every other one dropped, then half of that in one block, which fits
// into no hole. Settings as in Go's test.
func holes() {
	debug.SetGCPercent(100)
	runtime.GOMAXPROCS(1)
	before := residentBytes()
	dropped := make([][]byte, 0, totalBytes/blockBytes/2)
	for i := 0; i < totalBytes/blockBytes; i++ {
		block := touched(blockBytes)
		if i%2 == 0 {
			kept = append(kept, block)
		} else {
			dropped = append(dropped, block)
		}
	}
	runtime.GC()
	runtime.KeepAlive(dropped)
	dropped = nil
	runtime.GC()
	kept = append(kept, touched(totalBytes/2))
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	fmt.Printf("holes who=go live=%d estimate=%d resident=%d\n", stats.HeapAlloc,
		stats.HeapSys-stats.HeapReleased-hiddenBytes, residentBytes()-before)
}

func steps() {
	debug.SetGCPercent(100)
	kept = make([][]byte, 0, stepsTotalBytes/blockBytes)
	for i := 0; i < stepsTotalBytes/blockBytes; i++ {
		var stats runtime.MemStats
		kept = append(kept, make([]byte, blockBytes))
		runtime.ReadMemStats(&stats)
		fmt.Printf("steps who=go sys=%d\n", stats.HeapSys)
	}
}

func main() {
	if len(os.Args) == 2 && os.Args[1] == "holes" {
		holes()
		return
	}
	if len(os.Args) == 2 && os.Args[1] == "steps" {
		steps()
		return
	}
	fmt.Fprintln(os.Stderr, "usage: main holes | steps")
	os.Exit(2)
}
