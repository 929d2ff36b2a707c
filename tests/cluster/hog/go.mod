module sparkfit.io/hog

go 1.24
