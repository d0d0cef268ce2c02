package main

import (
	"context"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"github.com/wechatpay-apiv3/wechatpay-go/core"
	"github.com/wechatpay-apiv3/wechatpay-go/core/downloader"
	"github.com/wechatpay-apiv3/wechatpay-go/core/option"
	"github.com/wechatpay-apiv3/wechatpay-go/utils"
)

// account is what one folder of the sandbox's files holds.
type account struct {
	MchID       string `json:"mchid"`
	BrandID     string `json:"brand_id"`
	SerialNo    string `json:"serial_no"`
	PublicKeyID string `json:"public_key_id"`
	APIv3Key    string `json:"apiv3_key"`

	privateKey *rsa.PrivateKey
	publicKey  *rsa.PublicKey
}

func readAccount(directory, name string) (*account, error) {
	folder := filepath.Join(directory, name)
	text, err := os.ReadFile(filepath.Join(folder, "account.json"))
	if err != nil {
		return nil, err
	}
	who := &account{}
	if err := json.Unmarshal(text, who); err != nil {
		return nil, err
	}
	if who.privateKey, err = utils.LoadPrivateKeyWithPath(filepath.Join(folder, "apiclient_key.pem")); err != nil {
		return nil, err
	}
	who.publicKey, err = utils.LoadPublicKeyWithPath(filepath.Join(folder, "pub_key.pem"))
	return who, err
}

// redirected takes the place of a hosts entry: connections for WeChat Pay go to the
// sandbox. The SDK still asks for https://api.mch.weixin.qq.com, and certificate and
// name are checked.
func redirected(directory, address string) (*http.Client, error) {
	ca, err := os.ReadFile(filepath.Join(directory, "ca.pem"))
	if err != nil {
		return nil, err
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(ca) {
		return nil, fmt.Errorf("ca.pem holds no certificate")
	}
	dial := func(ctx context.Context, network, host string) (net.Conn, error) {
		if host != "api.mch.weixin.qq.com:443" {
			return nil, fmt.Errorf("%s is not the sandbox", host)
		}
		return (&net.Dialer{}).DialContext(ctx, network, address)
	}
	return &http.Client{
		Timeout: 15 * time.Second,
		Transport: &http.Transport{
			DialContext:     dial,
			TLSClientConfig: &tls.Config{RootCAs: roots},
		},
	}, nil
}

// publicKeyClient verifies and encrypts with WeChat Pay's public key.
func publicKeyClient(ctx context.Context, who *account, connections *http.Client) (*core.Client, error) {
	return core.NewClient(ctx,
		option.WithWechatPayPublicKeyAuthCipher(
			who.MchID, who.SerialNo, who.privateKey, who.PublicKeyID, who.publicKey,
		),
		option.WithHTTPClient(connections),
	)
}

// certificateClient downloads WeChat Pay's certificates with the SDK's downloader and
// trusts those; it returns their serial numbers, too.
func certificateClient(ctx context.Context, who *account, connections *http.Client) (*core.Client, []string, error) {
	// As the SDK does it: the downloader verifies the answer once it has decrypted it.
	fetching, err := core.NewClient(ctx,
		option.WithMerchantCredential(who.MchID, who.SerialNo, who.privateKey),
		option.WithoutValidator(),
		option.WithHTTPClient(connections),
	)
	if err != nil {
		return nil, nil, err
	}
	certificates := downloader.NewCertificateDownloaderMgr(ctx)
	if err := certificates.RegisterDownloaderWithClient(ctx, fetching, who.MchID, who.APIv3Key); err != nil {
		return nil, nil, fmt.Errorf("download: %w", err)
	}
	serials := []string{}
	for serial := range certificates.GetCertificateMap(ctx, who.MchID) {
		serials = append(serials, serial)
	}
	client, err := core.NewClient(ctx,
		option.WithWechatPayAutoAuthCipherUsingDownloaderMgr(who.MchID, who.SerialNo, who.privateKey, certificates),
		option.WithHTTPClient(connections),
	)
	return client, serials, err
}
