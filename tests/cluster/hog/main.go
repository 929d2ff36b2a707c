// SPDX-License-Identifier: Apache-2.0

// hog uses memory: hog MIB [SECONDS [swing]] touches that many MiB, 10 MiB every 20 ms, holds them and
// exits. With "swing" it keeps half of it and takes and gives back the other half every four seconds,
// as a heap does that is collected.
package main

import (
	"fmt"
	"os"
	"strconv"
	"syscall"
	"time"
)

const (
	step = 10 << 20
	page = 4096
)

func number(i, fallback int) int {
	if len(os.Args) <= i {
		return fallback
	}
	n, err := strconv.Atoi(os.Args[i])
	if err != nil {
		fmt.Fprintln(os.Stderr, "usage: hog MIB [SECONDS [swing]]")
		os.Exit(2)
	}
	return n
}

func must(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func touch(memory []byte, pause time.Duration) {
	for used := 0; used < len(memory); used += page {
		memory[used] = 1
		if used%step == 0 {
			time.Sleep(pause)
		}
	}
}

func swing(upper []byte, until time.Time) {
	for time.Now().Before(until) {
		touch(upper, 3*time.Second*step/time.Duration(len(upper)))
		time.Sleep(200 * time.Millisecond)
		must(syscall.Madvise(upper, syscall.MADV_DONTNEED))
		time.Sleep(800 * time.Millisecond)
	}
}

func main() {
	mib, seconds := number(1, 64), number(2, 0)
	end := time.Now().Add(time.Duration(seconds) * time.Second)
	memory, err := syscall.Mmap(-1, 0, mib<<20, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_ANON|syscall.MAP_PRIVATE)
	must(err)
	if len(os.Args) > 3 {
		half := mib << 19
		touch(memory[:half], 20*time.Millisecond)
		swing(memory[half:], end)
		return
	}
	touch(memory, 20*time.Millisecond)
	time.Sleep(time.Duration(seconds) * time.Second)
}
